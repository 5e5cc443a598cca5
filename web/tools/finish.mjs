// After a build: compress what browsers are sent, and note down which sources it was made of.
//
//   node tools/finish.mjs FOLDER
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const folder = process.argv[2];
const SMALLEST = 1024; // bytes; what is smaller fits into one packet as it is

const built = JSON.parse(readFileSync(join(folder, ".vite/manifest.json"), "utf8"));
rmSync(join(folder, ".vite"), { recursive: true });

// tests/web/test_build.py does the same: names and contents, in the order of names.
const APART = new Set(["browser", "new", "node_modules", "tests"]);
const sources = readdirSync(".", { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath, entry.name).replaceAll("\\", "/"))
  .filter((name) => !APART.has(name.split("/")[0]) && !name.startsWith("src/gql/"))
  .toSorted();
const hash = createHash("sha256");
for (const name of sources) {
  hash.update(`${name}\0`).update(readFileSync(name)).update("\0");
}

// What a first visit to a page of the shop loads before anything is shown.
const first = new Set();
const follow = (key) => {
  const { file, imports = [], css = [] } = built[key];
  if (first.has(file)) return;
  for (const name of [file, ...css]) first.add(name);
  imports.forEach(follow);
};
follow("index.html");

let gzipped = 0;
for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
  const path = join(entry.parentPath, entry.name);
  if (!entry.isFile() || !/\.(js|css|html|svg)$/.test(entry.name)) continue;
  const raw = readFileSync(path);
  if (raw.length < SMALLEST) continue;
  const packed = gzipSync(raw, { level: 9 });
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
    [constants.BROTLI_PARAM_SIZE_HINT]: raw.length,
  };
  writeFileSync(`${path}.gz`, packed);
  writeFileSync(`${path}.br`, brotliCompressSync(raw, { params }));
  if (first.has(path.slice(folder.length + 1).replaceAll("\\", "/"))) gzipped += packed.length;
}
const manifest = { sources: hash.digest("hex"), firstVisit: gzipped, files: [...first].toSorted() };
writeFileSync(join(folder, "manifest.json"), `${JSON.stringify(manifest, null, 2)}\n`);
console.log(`A first visit loads ${(gzipped / 1024).toFixed(1)} KB (gzip).`);
