/**
 * Drives the page in a real browser and checks what it promises: how fast the next item paints,
 * that answers survive a cut network and a closed tab, how much is loaded, that keys do no harm.
 *
 *   node drive.mjs            needs Chromium; CHROMIUM names its program
 */

import assert from "node:assert/strict";
import { chromium } from "playwright-core";
import { fakeServer } from "./fake/server.mjs";

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
const complaints = [];

async function open(kind, context) {
  const own = context ?? (await browser.newContext({ viewport: { width: 1280, height: 800 } }));
  const page = await own.newPage();
  page.on("console", (message) => {
    // A refused connection is what some of these scenes are about.
    const expected = /ERR_INTERNET_DISCONNECTED|ERR_CONNECTION|Failed to load resource/;
    if (message.type() === "error" && !expected.test(message.text()))
      complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  await page.goto(kind === null ? `${origin}/` : `${origin}/?kind=${kind}`);
  await page.locator(".item .prose, .marked, .nothing h2").first().waitFor();
  // Browsers drop keys pressed before the first picture: nobody can have meant them.
  await page.evaluate(
    () => new Promise((seen) => requestAnimationFrame(() => setTimeout(seen, 50))),
  );
  return page;
}

/** As a person closes a tab: with the events that pages hear then. */
async function closeTab(page) {
  const closed = page.waitForEvent("close");
  await page.close({ runBeforeUnload: true });
  await closed;
}

const ask = async (page, path) => (await page.request.get(`${origin}/fake/${path}`)).text();
const state = async (page) => JSON.parse(await ask(page, "state"));
const unsaved = (page) => page.locator(".bar .unsaved");

/** The reviews the server has, once there are this many; a moment later there must be no more. */
async function arrived(page, count) {
  for (let turn = 0; turn < 100 && (await state(page)).reviews.length < count; turn += 1) {
    await page.waitForTimeout(50);
  }
  await page.waitForTimeout(100);
  const { reviews } = await state(page);
  assert.equal(reviews.length, count);
  return reviews;
}

const ready = async (page) =>
  Number(
    /\d+/.exec(await page.locator(".waiting .quiet").textContent({ timeout: 1000 }))?.[0] ?? 0,
  );

const scenes = {
  async "the next item is painted within a frame"() {
    const page = await open("choice");
    await ask(page, "set?latency=80");
    await page.evaluate(() => {
      globalThis.times = [];
      const item = document.querySelector(".item");
      let pressed = 0;
      addEventListener("keydown", (event) => (pressed = event.timeStamp), true);
      new MutationObserver(() => {
        if (pressed === 0) return;
        const from = pressed;
        pressed = 0;
        const changed = performance.now() - from;
        // A message posted from the frame's callback arrives right after its painting.
        requestAnimationFrame(() => {
          const { port1, port2 } = new MessageChannel();
          port1.onmessage = () => globalThis.times.push([changed, performance.now() - from]);
          port2.postMessage(null);
        });
      }).observe(item, { childList: true, characterData: true, subtree: true });
    });
    for (let press = 0; press < 50; press += 1) {
      await page.keyboard.press(String((press % 3) + 1));
      await page.waitForTimeout(120 + ((press * 37) % 60));
    }
    const times = await page.evaluate(() => globalThis.times);
    assert.equal(times.length, 50);
    const middle = (list) => list.sort((a, b) => a - b)[Math.floor(list.length / 2)];
    const [changed, painted] = [0, 1].map((which) => middle(times.map((each) => each[which])));
    console.log(
      `  key to changed page: median ${changed.toFixed(1)} ms; to painted: median ${painted.toFixed(1)} ms,` +
        ` slowest ${Math.max(...times.map((each) => each[1])).toFixed(1)} ms`,
    );
    assert.ok(painted <= 16, `median ${painted} ms`);
    await arrived(page, 50);
    await page.context().close();
  },

  async "thirty answers without network, a closed tab, and each arrives once"() {
    const page = await open("choice");
    // Whoever is fast holds more: thirty answers make the page lease thirty ahead.
    for (let press = 0; press < 200 && (await ready(page)) < 31; press += 1) {
      await page.keyboard.press("1");
      await page.waitForTimeout(60);
    }
    await unsaved(page).waitFor({ state: "detached" });
    const before = (await state(page)).reviews.length;
    const context = page.context();
    await context.setOffline(true);
    for (let press = 0; press < 30; press += 1) await page.keyboard.press("2");
    await page.getByText("30 unsaved").waitFor();
    await page.getByText("offline").waitFor();
    await page.waitForTimeout(300);
    await closeTab(page);
    await context.setOffline(false);
    const again = await open(null, context);
    await again.locator(".bar .unsaved").waitFor({ state: "detached" });
    const { reviews, calls } = await state(again);
    const requests = reviews.map(([, body]) => body.request);
    assert.equal(reviews.length - before, 30);
    assert.equal(new Set(requests).size, requests.length);
    console.log(
      `  ${reviews.length - before} arrived; ${calls.filter((each) => each.startsWith("PUT")).length} sent in all for ${reviews.length} answers`,
    );
    await context.close();
  },

  async "at most eight requests, at most 40 KB"() {
    const context = await browser.newContext();
    const page = await context.newPage();
    const seen = [];
    page.on("request", (request) => seen.push(request.url()));
    await page.goto(`${origin}/?kind=rtl`);
    await page.locator(".item .prose").waitFor();
    await page.waitForTimeout(500);
    const own = seen.filter((url) => !url.includes("kind=") && !url.startsWith("data:"));
    console.log(`  ${own.length} requests: ${own.map((url) => url.replace(origin, "")).join(" ")}`);
    assert.ok(own.length <= 8);
    await context.close();
  },

  async "leases go back when the tab closes"() {
    const page = await open("choice");
    const context = page.context();
    await closeTab(page);
    const again = await open(null, context);
    assert.ok((await state(again)).calls.some((each) => each.endsWith("/leases/return")));
    await context.close();
  },

  async "keys do nothing while one types, with modifiers, or held down"() {
    const page = await open("choice");
    const shown = () => page.locator(".item .prose").textContent();
    const first = await shown();
    await page.keyboard.press("c");
    await page.keyboard.type("1 s u 2");
    assert.equal(await page.locator("textarea").inputValue(), "1 s u 2");
    await page.keyboard.press("Escape");
    for (const key of ["Control+1", "Alt+2", "Meta+3", "Shift+S"]) await page.keyboard.press(key);
    assert.equal(await shown(), first);
    await page.keyboard.down("1");
    for (let repeat = 0; repeat < 5; repeat += 1) await page.keyboard.down("1");
    await page.keyboard.up("1");
    const reviews = await arrived(page, 1);
    assert.equal(reviews[0][1].note, "1 s u 2");
    assert.ok(reviews[0][1].seconds > 0);
    await page.context().close();
  },

  async "undo works after a reload and marks the answer"() {
    const page = await open("choice");
    const first = await page.locator(".item .prose").textContent();
    await page.keyboard.press("2");
    await arrived(page, 1);
    await page.reload();
    await page.locator("button.entry").first().waitFor();
    await page.keyboard.press("u");
    await page.getByText("your answer before").waitFor();
    assert.equal(await page.locator(".item .prose").textContent(), first);
    assert.equal(await page.locator(".answer[aria-pressed=true] .name").textContent(), "Negative");
    await page.context().close();
  },

  async "a covered item is not answered before it was shown"() {
    const page = await browser.newPage();
    await page.goto(`${origin}/?kind=blur`);
    await page.getByText("Show the item").waitFor();
    await page.keyboard.press("1");
    await page.keyboard.press("b");
    await page.keyboard.press("1");
    await page.getByText("Show the item").waitFor();
    await arrived(page, 1);
    await page.context().close();
  },

  async "spans are marked with keys and with the mouse, in code points"() {
    const page = await open("spans");
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("Shift+ArrowRight");
    await page.keyboard.press("1");
    const box = await page.evaluate(() => {
      const walker = document.createTreeWalker(
        document.querySelector(".marked"),
        NodeFilter.SHOW_TEXT,
      );
      for (let node = walker.nextNode(); node; node = walker.nextNode()) {
        const at = node.textContent.indexOf("three");
        if (at === -1) continue;
        const range = document.createRange();
        range.setStart(node, at);
        range.setEnd(node, at + 5);
        const { x, y, width, height } = range.getBoundingClientRect();
        return { x, y, width, height };
      }
      return null;
    });
    await page.mouse.move(box.x + 1, box.y + box.height / 2);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width - 1, box.y + box.height / 2, { steps: 5 });
    await page.mouse.up();
    await page.keyboard.press("4");
    await page.keyboard.press("Enter");
    const { spans } = (await arrived(page, 1))[0][1].answers.answer;
    const text = Array.from(
      "Marie Curie left Warsaw for Paris in 1891 and met Pierre at the Sorbonne 👩🏽‍🔬 three years later.",
    );
    assert.deepEqual(
      spans.map(({ start, end, label }) => [text.slice(start, end).join(""), label]),
      [
        ["Marie Curie", "Person"],
        ["three", "Date"],
      ],
    );
    await page.context().close();
  },

  async "one of many labels is found by typing"() {
    const page = await open("many");
    await page.keyboard.type("pin bl");
    await page.keyboard.press("Enter");
    await page.keyboard.press("Enter");
    await page.keyboard.type("ap");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowUp");
    await page.keyboard.press("Enter");
    const answers = (await arrived(page, 2)).map(([, body]) => body.answers.answer.label);
    assert.deepEqual(answers, ["pin blocked", "apple pay or google pay"]);
    await page.context().close();
  },

  async "every other form submits by keys"() {
    const expected = {
      multichoice: [["1", "3", "1", "Enter"], { labels: ["Sound"] }],
      rating: [["4"], { value: 4 }],
      slider: [["8", "5", "ArrowRight", "Enter"], { value: 86 }],
      text: [["e", "End", "!", "Control+Enter"], null],
      pairwise: [["t"], { preferred: "tie" }],
      chatpair: [["4"], { preferred: "both_bad" }],
    };
    for (const [kind, [keys, answer]] of Object.entries(expected)) {
      const page = await open(kind);
      for (const key of keys) await page.keyboard.press(key);
      const reviews = await arrived(page, 1);
      if (answer !== null) assert.deepEqual(reviews[0][1].answers.answer, answer, kind);
      else assert.match(reviews[0][1].answers.answer.text, /!/);
      await page.context().close();
    }
  },
};

let failed = 0;
const wanted = process.argv[2] ?? "";
for (const [name, scene] of Object.entries(scenes)) {
  if (!name.includes(wanted)) continue;
  try {
    await scene();
    console.log(`ok    ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`FAIL  ${name}\n${error.stack}`);
  }
}
await browser.close();
server.closeAllConnections();
server.close();
if (complaints.length > 0) console.log(`The browser complained:\n${complaints.join("\n")}`);
process.exitCode = failed > 0 || complaints.length > 0 ? 1 : 0;
