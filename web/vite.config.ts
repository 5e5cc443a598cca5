import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

const shop = process.env.SHOP_URL ?? "http://127.0.0.1:8000";

export default defineConfig({
  plugins: [react(), tailwindcss()],
  // Nothing inline: the policy of the pages allows no data in place of a file, and no polyfill.
  build: {
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    manifest: true,
    license: { fileName: "licences.md" },
  },
  server: {
    proxy: {
      "/graphql": { target: shop, ws: true },
      "/session": shop,
      "/static": shop,
    },
  },
});
