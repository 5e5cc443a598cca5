// Unpack the browser that comes as a package:  node unpack.mjs FOLDER
//
// Its own code would do so into a folder that all share, with a list of fonts that names another.
import { createReadStream, createWriteStream, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createBrotliDecompress } from "node:zlib";
import { extract } from "tar-fs";

const folder = process.argv[2];
const packed = new URL("./node_modules/@sparticuz/chromium/bin/", import.meta.url);
const unpack = (name, into) =>
  pipeline(createReadStream(new URL(name, packed)), createBrotliDecompress(), into);

rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
await Promise.all([
  unpack("chromium.br", createWriteStream(join(folder, "chromium"), { mode: 0o755 })),
  unpack("fonts.tar.br", extract(join(folder, "fonts"))),
  unpack("swiftshader.tar.br", extract(folder)),
  unpack("al2023.tar.br", extract(join(folder, "al2023"))),
]);
// Last: it says that all the rest is there.
writeFileSync(
  join(folder, "fonts.conf"),
  `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>/usr/share/fonts</dir>
  <dir prefix="relative">fonts/fonts</dir>
  <cachedir prefix="xdg">fontconfig</cachedir>
</fontconfig>
`,
);
