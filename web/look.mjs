/**
 * Looks at pages of a running server in a real browser: pictures, accessibility, the page's policy,
 * scripts that should not run, words wider than the window.
 *
 *   node look.mjs < JOB.json        needs Chromium; CHROMIUM names its program
 *
 * A job is {"link": a link that signs in, "pages": {name: path}, "folder": where pictures go or
 * null, "widths": [...], "schemes": [...], "marks": a name that hostile scripts would set on
 * window}. Prints {"problems": [...], "seen": number} as one line of JSON.
 */

import { mkdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { chromium } from "playwright-core";

const job = JSON.parse(await text(process.stdin));
const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const problems = [];
let seen = 0;

if (job.folder) await mkdir(job.folder, { recursive: true });
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
const entry = await browser.newContext();
const door = await entry.newPage();
await door.goto(job.link);
const state = await entry.storageState();
await entry.close();
const origin = new URL(job.link).origin;

for (const width of job.widths ?? [1280, 360]) {
  for (const scheme of job.schemes ?? ["light", "dark"]) {
    const context = await browser.newContext({
      storageState: state,
      viewport: { width, height: width < 500 ? 740 : 800 },
      colorScheme: scheme,
      reducedMotion: "reduce",
    });
    for (const [name, path] of Object.entries(job.pages)) await visit(context, name, path, width, scheme);
    await context.close();
  }
}
await browser.close();
console.log(JSON.stringify({ problems, seen }));

async function visit(context, name, path, width, scheme) {
  const where = `${name}-${width}-${scheme}`;
  const page = await context.newPage();
  const complain = (what) => problems.push(`${where}: ${what}`);
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complain(message.text());
  });
  page.on("pageerror", (error) => complain(error));
  page.on("dialog", (dialog) => {
    complain(`a dialog says ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(origin) && !/^(data|blob):/.test(url)) complain(`asks for ${url}`);
  });
  const answer = await page.goto(origin + path);
  if (answer.status() !== 200) complain(`status ${answer.status()}`);
  await page.waitForTimeout(150);
  seen += 1;
  for (const find of await axeFinds(page)) complain(`axe ${find}`);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  if (wide > 0) complain(`${wide} px wider than the window`);
  if (job.marks) {
    const ran = await page.evaluate((mark) => globalThis[mark] ?? null, job.marks);
    if (ran !== null) complain(`a hostile script ran: ${ran}`);
  }
  if (job.folder) await page.screenshot({ path: join(job.folder, `${where}.png`), fullPage: true });
  await page.close();
}

async function axeFinds(page) {
  // Through the protocol: a script element would run into the page's policy, as it should.
  await page.evaluate(axe);
  return page.evaluate(async () => {
    const runOnly = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
    const { violations } = await globalThis.axe.run(document, { runOnly });
    return violations.map(({ id, help, nodes }) => {
      const places = nodes.map((node) => node.target.join(" ")).join(" | ");
      return `${id}: ${help} ${places}`;
    });
  });
}
