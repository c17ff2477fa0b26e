import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const output = fileURLToPath(new URL("../src/signoff/server/static", import.meta.url));

export default defineConfig({
  // Relative addresses, so that the page also works below a path of a reverse proxy.
  base: "./",
  build: {
    outDir: output,
    emptyOutDir: true,
    target: "es2022",
    // Every browser the page supports preloads modules itself.
    modulePreload: { polyfill: false },
    // An inlined asset would be a data: address, which the page's policy refuses for styles.
    assetsInlineLimit: 0,
    // One file less to load: what the lazy parts share with the page comes with the page.
    rolldownOptions: {
      output: { codeSplitting: { groups: [{ name: "page", test: /\/src\/main\.tsx$/ }] } },
    },
  },
  test: {
    environment: "node",
    include: ["tests/**/*.test.{ts,tsx}"],
  },
});
