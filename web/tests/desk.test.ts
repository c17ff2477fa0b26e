/** The desk with everything below it, against the fake server over HTTP. */

import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { IDBFactory } from "fake-indexeddb";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { fakeServer } from "../fake/server.mjs";
import { Api } from "../src/api";
import { Desk } from "../src/desk";
import { openStore } from "../src/store";
import type { Answers } from "../src/wire";

interface Stored {
  readonly reviews: readonly (readonly [
    string,
    { request: string; answers: Answers; note: string | null },
  ])[];
  readonly flags: readonly string[];
  readonly calls: readonly string[];
}

let server: Server;
let origin: string;
let cookie: string;
let factory: IDBFactory;
let online: boolean;
let tab: Map<string, string>;
let stopAll: (() => void)[];
let beginning: Awaited<ReturnType<Api["begin"]>>;

beforeEach(async () => {
  server = fakeServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  factory = new IDBFactory();
  online = true;
  tab = new Map();
  stopAll = [];
});

afterEach(() => {
  for (const stop of stopAll) stop();
  server.closeAllConnections();
  server.close();
});

async function visit(kind: string): Promise<void> {
  const response = await fetch(`${origin}/?kind=${kind}`, { redirect: "manual" });
  cookie = response.headers.get("set-cookie")?.split(";")[0] ?? "";
}

/** A page of its own on the same browser: the store is shared, the memory is not. */
async function openDesk(limit = 0): Promise<Desk> {
  const api = new Api(`${origin}/api/v1/`, (url, init) => {
    if (!online) return Promise.reject(new TypeError("Failed to fetch"));
    return fetch(url, {
      ...init,
      headers: { ...(init.headers as Record<string, string>), cookie },
    });
  });
  beginning = await api.begin(null, limit);
  const { me, project } = beginning;
  if (project === null) throw new Error("there is a choice of projects");
  const desk = new Desk(
    {
      api,
      store: await openStore(factory),
      storage: {
        getItem: (key) => tab.get(key) ?? null,
        setItem: (key, value) => void tab.set(key, value),
      },
      alone: (work) => work(),
      soon: (run) => run(),
      later: (run, ms) => {
        const timer = setTimeout(run, ms);
        const stop = (): void => clearTimeout(timer);
        stopAll.push(stop);
        return stop;
      },
      now: Date.now,
      ticks: () => performance.now(),
      random: Math.random,
      visible: () => true,
    },
    project,
    me.name,
  );
  return desk;
}

async function started(kind: string): Promise<Desk> {
  await visit(kind);
  const desk = await openDesk();
  await desk.start();
  return desk;
}

async function state(): Promise<Stored> {
  const response = await fetch(`${origin}/fake/state`, { headers: { cookie } });
  return (await response.json()) as Stored;
}

async function set(query: string): Promise<void> {
  await fetch(`${origin}/fake/set?${query}`, { headers: { cookie } });
}

const saved = (desk: Desk): Promise<void> =>
  vi.waitFor(() => expect(desk.unsent.value).toHaveLength(0), { timeout: 5000, interval: 5 });

describe("a desk", () => {
  it("shows the next item at once and saves the answer behind it", async () => {
    const desk = await started("choice");
    const [first, second] = desk.held.value;
    desk.decide("answer", { label: "Mixed" });
    expect(desk.current.value).toBe(second);
    expect(desk.past.value.map((each) => each.state)).toEqual(["unsaved"]);
    await saved(desk);
    expect(desk.past.value.map((each) => each.state)).toEqual(["saved"]);
    const { reviews } = await state();
    expect(reviews.map(([, body]) => [body.request, body.answers])).toEqual([
      [first?.id, { answer: { label: "Mixed" } }],
    ]);
  });

  it("leases ten, and more before they run out", async () => {
    const desk = await started("choice");
    expect(desk.held.value).toHaveLength(10);
    const seen: string[] = [];
    for (let n = 0; n < 25; n += 1) {
      await vi.waitFor(() => expect(desk.current.value).not.toBeNull());
      seen.push(desk.current.value?.id ?? "");
      desk.decide("answer", { label: "Mixed" });
      await new Promise((resolve) => setTimeout(resolve, 4));
    }
    await saved(desk);
    expect(new Set(seen).size).toBe(25);
    expect((await state()).reviews).toHaveLength(25);
  });

  it("counts an answer once when the server's word got lost on the way", async () => {
    const desk = await started("choice");
    await set("lose=1");
    desk.decide("answer", { label: "Mixed" });
    await saved(desk);
    const { reviews, calls } = await state();
    expect(reviews).toHaveLength(1);
    expect(calls.filter((each) => each.startsWith("PUT"))).toHaveLength(2);
  });

  it("keeps answers while there is no network, over a new page, and sends each once", async () => {
    const desk = await started("choice");
    online = false;
    for (let n = 0; n < 8; n += 1) desk.decide("answer", { label: "Mixed" });
    expect(desk.unsent.value).toHaveLength(8);
    await vi.waitFor(() => expect(desk.connection.value).toBe("offline"));
    for (const stop of stopAll) stop();

    online = true;
    const after = await openDesk();
    await after.start();
    await saved(after);
    const { reviews } = await state();
    expect(new Set(reviews.map(([, body]) => body.request)).size).toBe(8);
    expect(
      after.held.value.some((each) => reviews.some(([, body]) => body.request === each.id)),
    ).toBe(false);
    expect(after.past.value).toHaveLength(8);
  });

  it("undoes an answer the server has, after a reload too, and marks it", async () => {
    const desk = await started("choice");
    const first = desk.current.value;
    desk.decide("answer", { label: "Negative" });
    await saved(desk);
    const after = await openDesk();
    await after.start();
    await vi.waitFor(() => expect(after.past.value).toHaveLength(1));
    await after.undo();
    expect(after.current.value?.id).toBe(first?.id);
    expect(after.draft.value?.previous).toEqual({ answer: { label: "Negative" } });
    expect(after.past.value).toEqual([]);
    expect((await state()).reviews).toEqual([]);
    after.decide("answer", { label: "Positive" });
    await saved(after);
    expect((await state()).reviews.map(([, body]) => body.answers)).toEqual([
      { answer: { label: "Positive" } },
    ]);
  });

  it("undoes without a network what never left", async () => {
    const desk = await started("choice");
    online = false;
    desk.decide("answer", { label: "Mixed" });
    const second = desk.current.value;
    desk.decide("answer", { label: "Negative" });
    await desk.undo();
    expect(desk.current.value?.id).toBe(second?.id);
    expect(desk.draft.value?.previous).toEqual({ answer: { label: "Negative" } });
    expect(desk.unsent.value).toHaveLength(1);
  });

  it("undoes several times in a row, newest first, and reopens any of the list", async () => {
    const desk = await started("choice");
    const ids = desk.held.value.slice(0, 3).map((each) => each.id);
    for (const label of ["Positive", "Negative", "Mixed"]) desk.decide("answer", { label });
    await saved(desk);
    const oldest = desk.past.value[2];
    await Promise.all([desk.undo(), desk.undo(oldest?.id)]);
    expect(desk.held.value.slice(0, 2).map((each) => each.id)).toEqual([ids[0], ids[2]]);
    expect(desk.past.value.map((each) => each.request)).toEqual([ids[1]]);
  });

  it("keeps what was begun when another item comes in front", async () => {
    const desk = await started("multichoice");
    desk.decide("answer", { labels: ["Price"] });
    await saved(desk);
    desk.set("answer", { labels: ["Sound"] });
    desk.setNote("not sure yet");
    const begun = desk.current.value;
    await desk.undo();
    expect(desk.draft.value?.answers["answer"]).toEqual({ labels: ["Price"] });
    desk.submit();
    expect(desk.current.value?.id).toBe(begun?.id);
    expect(desk.draft.value?.answers["answer"]).toEqual({ labels: ["Sound"] });
    expect(desk.draft.value?.note).toBe("not sure yet");
  });

  it("skips behind the others and flags without moving on", async () => {
    const desk = await started("choice");
    const [first, second] = desk.held.value;
    desk.setFlag("two languages");
    desk.sendFlag();
    expect(desk.current.value).toBe(first);
    desk.skip();
    expect(desk.current.value).toBe(second);
    await saved(desk);
    expect((await state()).flags).toEqual(["two languages"]);
    expect((await state()).calls.filter((each) => each.includes("/skip"))).toHaveLength(1);
  });

  it("says calmly that somebody else was first", async () => {
    const desk = await started("choice");
    await set("counted=false");
    desk.decide("answer", { label: "Mixed" });
    await saved(desk);
    expect(desk.past.value[0]?.state).toBe("extra");
    expect(desk.notice.value?.tone).toBe("calm");
  });

  it("keeps everything while nobody is signed in", async () => {
    const desk = await started("choice");
    cookie = "fake=gone";
    desk.decide("answer", { label: "Mixed" });
    await vi.waitFor(() => expect(desk.connection.value).toBe("signed-out"));
    expect(desk.unsent.value).toHaveLength(1);
  });

  it("waits through a server's trouble", async () => {
    const desk = await started("choice");
    await set("fail=503");
    desk.decide("answer", { label: "Mixed" });
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(desk.unsent.value).toHaveLength(1);
    await set("fail=0");
    await saved(desk);
    expect((await state()).reviews).toHaveLength(1);
  });

  it("says why there is nothing, and when it asks again", async () => {
    const desk = await started("learning");
    expect(desk.nothing.value.why).toMatch(/the model has learned/);
    expect(desk.nothing.value.retryAt).toBeGreaterThan(Date.now());
    expect(desk.progress.value?.phase).toBe("learning");
  });

  it("stops asking once the project is closed", async () => {
    const desk = await started("closed");
    expect(desk.progress.value?.statement).toMatch(/95 % certainty/);
    expect(desk.nothing.value.retryAt).toBeNull();
  });

  it("submits several questions together, and only when all are answered", async () => {
    const desk = await started("several");
    const first = desk.current.value;
    desk.decide("answer", { label: "Mixed" });
    expect(desk.draft.value?.active).toBe(1);
    desk.submit();
    expect(desk.current.value).toBe(first);
    expect(desk.notice.value?.tone).toBe("care");
    desk.decide("style", { value: 4 });
    expect(desk.draft.value?.active).toBe(2);
    desk.submit();
    await saved(desk);
    expect((await state()).reviews.map(([, body]) => body.answers)).toEqual([
      { answer: { label: "Mixed" }, style: { value: 4 }, topics: { labels: [] } },
    ]);
  });

  it("gives back what it holds, but not what is answered and on its way", async () => {
    const desk = await started("choice");
    online = false;
    const answered = desk.current.value?.id;
    desk.decide("answer", { label: "Mixed" });
    expect(desk.leaving()).toHaveLength(9);
    expect(desk.leaving()).not.toContain(answered);
  });

  it("shows what others said after one's own answer only", async () => {
    await visit("choice");
    const desk = await openDesk();
    await desk.start();
    const request = desk.current.value?.id ?? "";
    desk.setNote("two moods at once");
    desk.sendComment();
    await vi.waitFor(() => expect(desk.words.value).toBe(1));
    expect(desk.draft.value?.note).toBe("");
    expect((await desk.thread(request)).map((each) => each.text)).toEqual(["two moods at once"]);
    desk.decide(desk.project.questions[0]?.name ?? "", { label: "positive" });
    await vi.waitFor(() => expect(desk.unsent.value).toEqual([]));
    expect((await desk.thread(request)).map((each) => each.author)).toEqual(["ben", "ann"]);
  });

  it("passes an item on with a reason, and does not hold it any more", async () => {
    await visit("choice");
    const desk = await openDesk();
    await desk.start();
    const request = desk.current.value?.id;
    desk.skip("I know the author");
    expect(desk.current.value?.id).not.toBe(request);
    await vi.waitFor(() => expect(desk.unsent.value).toEqual([]));
  });

  it("begins with one request", async () => {
    await visit("choice");
    const desk = await openDesk(10);
    await desk.start(beginning);
    expect(desk.held.value).toHaveLength(10);
    expect((await state()).calls).toEqual(["POST begin"]);
  });

  it("tells what the machine said where the project shows that before an answer", async () => {
    const desk = await started("nudged");
    expect(desk.current.value?.hint?.machine["answer"]?.answer).toEqual({ label: "Negative" });
    expect(desk.current.value?.hint?.alike).toEqual([]);
    expect(desk.looksBack).toBe(true);
  });

  it("says where the machine said otherwise once an answer is there", async () => {
    const desk = await started("lookback");
    expect(desk.current.value?.hint).toBeNull();
    desk.decide("answer", { label: "Negative" });
    await saved(desk);
    expect(desk.notice.value).toBeNull();
    desk.decide("answer", { label: "Negative" });
    await vi.waitFor(() => expect(desk.notice.value?.text).toContain("The machine said Positive"));
    const last = desk.past.value[0]?.request ?? "";
    expect((await desk.hint(last)).hint?.machine["answer"]?.answer).toEqual({ label: "Positive" });
  });

  it("offers no look at the machine in a blind project", async () => {
    const desk = await started("choice");
    expect(desk.looksBack).toBe(false);
  });
});
