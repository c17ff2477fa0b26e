/** The small pure parts. */

import { describe, expect, it } from "vitest";
import { parseChat } from "../src/chat";
import { begin, Drafts, reopen } from "../src/drafts";
import { uuid } from "../src/ids";
import { ownAddress } from "../src/items/views";
import { changed, lastUndoable, mergePast, type Past } from "../src/past";
import { Stopwatch } from "../src/stopwatch";
import type { ChoiceQuestion, Progress, Request } from "../src/wire";
import { counted, duration, forecast, percentUp, promise } from "../src/words";

describe("a stopwatch", () => {
  it("counts only while it runs, to a tenth of a second", () => {
    let now = 0;
    const watch = new Stopwatch(() => now, 2);
    watch.start();
    now = 1234;
    watch.pause();
    now = 60_000;
    watch.start();
    watch.start();
    now = 61_000;
    expect(watch.seconds).toBe(4.2);
  });
});

describe("a conversation", () => {
  it("is a list of messages with a role and a content", () => {
    const text =
      '[{"role":"user","content":"hi"},{"role":"assistant","content":[{"type":"text","text":"yes"}]}]';
    expect(parseChat(text)).toEqual([
      { role: "user", content: "hi" },
      { role: "assistant", content: "yes" },
    ]);
  });

  it("is nothing else", () => {
    for (const text of [
      "hello",
      "[]",
      "[1, 2]",
      '{"role":"user"}',
      '[{"role":"user"}]',
      "[broken",
    ]) {
      expect(parseChat(text)).toBeNull();
    }
  });
});

describe("a picture's address", () => {
  const origin = "http://127.0.0.1:8000";
  it("is a path on this server", () => {
    expect(ownAddress("/api/v1/blobs/a.png?x=1", origin)).toBe("/api/v1/blobs/a.png?x=1");
  });

  it.each([
    "https://e.example/a.png",
    "//e.example/a.png",
    "/\\e.example/a",
    "a.png",
    "javascript:1",
  ])("is never %s", (text) => expect(ownAddress(text, origin)).toBeNull());
});

describe("my last decisions", () => {
  const past = (id: string, at: number, more: Partial<Past> = {}): Past => ({
    id,
    request: id,
    text: id,
    answers: {},
    at,
    state: "saved",
    undoable: true,
    ...more,
  });
  const ids = (list: readonly Past[]): string => list.map((each) => each.id).join("");

  it("are the server's, with what it does not know yet on top", () => {
    const mine = [past("d", 4, { state: "unsaved" }), past("x", 1)];
    expect(ids(mergePast(mine, [past("c", 3), past("b", 2)]))).toBe("dcb");
  });

  it("keep what arrived while the server's list was on its way", () => {
    expect(ids(mergePast([past("d", 9)], [past("c", 3)]))).toBe("dc");
  });

  it("keep what the page knows better: that somebody else was first", () => {
    const mine = [past("c", 3, { state: "extra" })];
    expect(mergePast(mine, [past("c", 3)])[0]?.state).toBe("extra");
  });

  it("undo the newest that can be undone", () => {
    const list = changed([past("b", 2), past("a", 1)], "b", { undoable: false });
    expect(lastUndoable(list)?.id).toBe("a");
    expect(lastUndoable([])).toBeNull();
  });
});

describe("drafts", () => {
  const question: ChoiceQuestion = {
    kind: "choice",
    name: "answer",
    version: 1,
    text: "?",
    labels: [],
  };
  const request: Request = {
    id: "r1",
    item: { key: "1", text: "t", kind: "text", fields: {} },
    lease_until: "",
  };
  const storage = (): Pick<Storage, "getItem" | "setItem"> => {
    const kept = new Map<string, string>();
    return {
      getItem: (key) => kept.get(key) ?? null,
      setItem: (key, value) => void kept.set(key, value),
    };
  };

  it("survive a reload of the tab", () => {
    const tab = storage();
    new Drafts(tab).keep({ ...begin([question], request), note: "half a thought" });
    expect(new Drafts(tab).get("r1")?.note).toBe("half a thought");
  });

  it("are gone once answered", () => {
    const tab = storage();
    const drafts = new Drafts(tab);
    drafts.keep(begin([question], request));
    drafts.drop("r1");
    expect(new Drafts(tab).get("r1")).toBeNull();
  });

  it("of an undone item hold the answer that was given", () => {
    const draft = reopen([question], request, { answer: { label: "x" } });
    expect(draft.answers["answer"]).toEqual({ label: "x" });
    expect(draft.previous).toEqual({ answer: { label: "x" } });
  });

  it("live without storage, and with a broken one", () => {
    expect(new Drafts(null).get("r1")).toBeNull();
    expect(new Drafts({ getItem: () => "{broken", setItem: () => undefined }).get("r1")).toBeNull();
  });
});

describe("words", () => {
  const progress: Progress = {
    phase: "asking",
    items: 100,
    answered: 1,
    mine: 1,
    automatic: 0,
    open: 1,
    remaining: 1,
    minutes: 0.2,
    bound: null,
    statement: null,
    paused: null,
  };

  it("count one differently", () => {
    expect([counted(1, "answer"), counted(2, "answer")]).toEqual([
      "1\u00a0answer",
      "2\u00a0answers",
    ]);
  });

  it("round a bound up, never down", () => {
    expect(percentUp(0.0471)).toBe("4.8\u00a0%");
    expect(percentUp(0.05)).toBe("5\u00a0%");
    expect(percentUp(0.0501)).toBe("5.1\u00a0%");
  });

  it("tell time in minutes and hours", () => {
    expect([0.3, 12.4, 60, 125].map(duration)).toEqual([
      "under a minute",
      "12\u00a0min",
      "1\u00a0h",
      "2\u00a0h\u00a05\u00a0min",
    ]);
  });

  it("forecast nothing that nobody knows, and nothing once closed", () => {
    expect(forecast(progress)).toBe("about 1\u00a0answer left, under a minute");
    expect(forecast({ ...progress, remaining: null })).toBeNull();
    expect(forecast({ ...progress, phase: "closed" })).toBeNull();
  });

  it("show the certificate as soon as there is one", () => {
    expect(promise({ ...progress, statement: "At most 5 %." })).toBe("At most 5 %.");
    expect(promise({ ...progress, bound: 0.0471 })).toContain("4.8\u00a0%");
  });
});

it("an id is a UUID, also where the browser cannot make one itself", () => {
  const shape = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
  expect(uuid()).toMatch(shape);
  const { randomUUID } = crypto;
  Object.defineProperty(crypto, "randomUUID", { value: undefined, configurable: true });
  expect(uuid()).toMatch(shape);
  Object.defineProperty(crypto, "randomUUID", { value: randomUUID, configurable: true });
});
