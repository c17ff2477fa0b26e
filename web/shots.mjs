/**
 * Looks at the page in a real browser: pictures of every kind, accessibility, the page's policy.
 *
 *   node shots.mjs [FOLDER] [SCENE …]     needs Chromium; CHROMIUM names its program
 */

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { fakeServer } from "./fake/server.mjs";
import { WORLDS } from "./fake/worlds.mjs";

const [folder = "shots", ...wanted] = process.argv.slice(2);
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
  nudged: async (page) => page.keyboard.press("1"),
  lookback: async (page) => {
    for (const key of ["1", "2"]) await page.keyboard.press(key);
    await page.getByText("The machine said").waitFor();
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

/** States that no kind shows by itself: the kind they are shown with, and how to get there. */
const STATES = {
  help: ["choice", async (page) => page.keyboard.press("?")],
  note: [
    "choice",
    async (page) => {
      await page.keyboard.press("c");
      await page.keyboard.type("Half of it is about the delivery.");
    },
  ],
  flag: ["multichoice", async (page) => page.keyboard.press("f")],
  rail: [
    "choice",
    async (page) => {
      for (const key of ["1", "2", "1", "u"]) await page.keyboard.press(key);
      const button = page.locator(".rail-button");
      if (await button.isVisible()) await button.click();
    },
  ],
  machine: [
    "lookback",
    async (page) => {
      for (const key of ["1", "2"]) await page.keyboard.press(key);
      const button = page.locator(".rail-button");
      if (await button.isVisible()) await button.click();
      await page.getByRole("button", { name: "Machine" }).first().click();
      await page.locator(".machine .said").waitFor();
    },
  ],
  offline: [
    "choice",
    async (page) => {
      await page.context().setOffline(true);
      for (const key of ["1", "2", "1"]) await page.keyboard.press(key);
      await page.getByText("3 unsaved").waitFor();
    },
  ],
  unreachable: [
    "choice",
    async (page) => {
      await page.context().setOffline(true);
      for (let press = 0; press < 10; press += 1) await page.keyboard.press("1");
      await page.locator(".nothing h2").waitFor();
    },
  ],
  trouble: [
    "choice",
    async (page) => {
      await page.request.get(`${origin}/fake/set?fail=422`);
      await page.keyboard.press("1");
      await page.locator(".refused").click();
    },
  ],
  out: [
    "choice",
    async (page) => {
      await page.request.get(`${origin}/fake/set?fail=401`);
      await page.keyboard.press("1");
      await page.getByText("signed out").first().waitFor();
    },
  ],
};

/** Opens a kind, brings it to life, takes its picture and lets axe look at it. */
async function visit(name, kind, scene, width, scheme) {
  const context = await browser.newContext({
    viewport: { width, height: width < 500 ? 740 : width > 1500 ? 1080 : 800 },
    colorScheme: scheme,
    reducedMotion: "reduce",
  });
  const page = await context.newPage();
  const picture = `${name}-${width}-${scheme}`;
  page.on("console", (message) => {
    // Some scenes are about requests that fail; the policy's complaints read differently.
    const isRequest = message.text().startsWith("Failed to load resource");
    if (["error", "warning"].includes(message.type()) && !isRequest) {
      problems.push(`${picture}: ${message.text()}`);
    }
  });
  page.on("pageerror", (error) => problems.push(`${picture}: ${error}`));
  await page.goto(`${origin}/?kind=${kind}`);
  await page.locator(".item, .nothing h2, .start h1").first().waitFor();
  await page.waitForTimeout(200);
  await scene?.(page);
  await page.waitForTimeout(200);
  await page.screenshot({ path: join(folder, `${picture}.png`) });
  for (const each of await axeFinds(page)) problems.push(`${picture}: axe ${each}`);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  if (wide > 0) problems.push(`${picture}: ${wide} px wider than the window`);
  await context.close();
}

async function axeFinds(page) {
  // Through the protocol: a script element would run into the page's policy, as it should.
  await page.evaluate(axe);
  return page.evaluate(async () => {
    const runOnly = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
    const { violations } = await globalThis.axe.run(document, { runOnly });
    return violations.map(({ id, help, nodes }) => {
      const where = nodes.map((node) => node.target.join(" ")).join(" | ");
      return `${id}: ${help} ${where}`;
    });
  });
}

const scenes = [
  ...Object.keys(WORLDS).map((kind) => [kind, kind, SCENES[kind]]),
  ...Object.entries(STATES).map(([name, [kind, scene]]) => [name, kind, scene]),
].filter(([name]) => wanted.length === 0 || wanted.includes(name));

for (const [name, kind, scene] of scenes) {
  for (const width of [1280, 360]) {
    for (const scheme of ["light", "dark"]) await visit(name, kind, scene, width, scheme);
  }
  if (["choice", "pairwise"].includes(name)) await visit(name, kind, scene, 1920, "light");
}
await browser.close();
server.closeAllConnections();
server.close();
console.log(problems.length === 0 ? `${scenes.length} scenes, no problems` : problems.join("\n"));
process.exitCode = problems.length === 0 ? 0 : 1;
