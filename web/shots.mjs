/**
 * Looks at the page in a real browser: pictures of every kind, accessibility, the page's policy.
 *
 *   node shots.mjs [FOLDER] [KIND …]     needs Chromium; CHROMIUM names its program
 */

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { fakeServer } from "./fake/server.mjs";
import { WORLDS } from "./fake/worlds.mjs";

const [folder = "shots", ...wanted] = process.argv.slice(2);
const kinds = wanted.length > 0 ? wanted : Object.keys(WORLDS);
const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const problems = [];

await mkdir(folder, { recursive: true });
const server = fakeServer();
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const origin = `http://127.0.0.1:${server.address().port}`;
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
});

/** What to do before the picture is taken, so that it shows the kind at work. */
const SCENES = {
  choice: async (page) => {
    for (const key of ["1", "2", "1", "0", "3"]) await page.keyboard.press(key);
  },
  many: async (page) => page.locator("input[role=combobox]").fill("card pay"),
  multichoice: async (page) => {
    for (const key of ["1", "5"]) await page.keyboard.press(key);
  },
  rating: async (page) => {
    for (const key of ["4", "u"]) await page.keyboard.press(key);
    await page.getByText("answer before").waitFor();
  },
  slider: async (page) => {
    for (const key of ["8", "5"]) await page.keyboard.press(key);
  },
  text: async (page) =>
    page.locator("textarea").fill("They're going to meet us at the station on 1 March, I think."),
  spans: async (page) => {
    for (const key of [
      "ArrowRight",
      "Shift+ArrowRight",
      "1",
      "ArrowRight",
      "ArrowRight",
      "2",
      "ArrowRight",
      "ArrowRight",
      "2",
      "ArrowRight",
      "ArrowRight",
      "Shift+ArrowLeft",
    ])
      await page.keyboard.press(key);
  },
  several: async (page) => {
    for (const key of ["1", "4"]) await page.keyboard.press(key);
  },
};

async function visit(kind, width, scheme) {
  const context = await browser.newContext({
    viewport: { width, height: width < 500 ? 740 : 800 },
    colorScheme: scheme,
    deviceScaleFactor: 1,
    reducedMotion: "reduce",
    bypassCSP: false,
  });
  const page = await context.newPage();
  const name = `${kind}-${width}-${scheme}`;
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) problems.push(`${name}: ${message.text()}`);
  });
  page.on("pageerror", (error) => problems.push(`${name}: ${error}`));
  await page.goto(`${origin}/?kind=${kind}`);
  await page.locator(".item, .nothing h2").first().waitFor();
  await page.waitForLoadState("load");
  await page.waitForTimeout(150);
  await SCENES[kind]?.(page);
  await page.waitForTimeout(200);
  await page.screenshot({ path: join(folder, `${name}.png`) });
  // Through the protocol: a script element would run into the page's policy, as it should.
  await page.evaluate(axe);
  const found = await page.evaluate(async () =>
    (
      await globalThis.axe.run(document, {
        runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
      })
    ).violations.map(
      (each) =>
        `${each.id}: ${each.help} ${each.nodes.map((node) => node.target.join(" ")).join(" | ")}`,
    ),
  );
  for (const each of found) problems.push(`${name}: axe ${each}`);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  if (wide > 0) problems.push(`${name}: ${wide} px wider than the window`);
  if (kind === "choice") {
    await page.keyboard.press("?");
    await page.waitForTimeout(100);
    await page.screenshot({ path: join(folder, `help-${width}-${scheme}.png`) });
  }
  await context.close();
}

for (const kind of kinds) {
  for (const width of [1280, 360])
    for (const scheme of ["light", "dark"]) await visit(kind, width, scheme);
}
await browser.close();
server.closeAllConnections();
server.close();
console.log(problems.length === 0 ? `${kinds.length} kinds, no problems` : problems.join("\n"));
process.exitCode = problems.length === 0 ? 0 : 1;
