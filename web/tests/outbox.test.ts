import { IDBDatabase, IDBFactory } from "fake-indexeddb";
import { beforeEach, describe, expect, it } from "vitest";
import { backOff, type Outcome, Outbox, type Sending, type SendingStore } from "../src/outbox";
import { memoryStore, openStore } from "../src/store";

const SENT: Outcome = { kind: "sent" };
const LATER: Outcome = { kind: "later", afterSeconds: null };

function sending(id: string, order: number, by = "ann"): Sending {
  const body = { request: `r${id}`, answers: { answer: { label: "x" } }, seconds: 1, note: null };
  const what = { kind: "review", body } as const;
  return { id, by, project: "p", request: `r${id}`, order, shown: "text", what };
}

/** An outbox whose waits end when the test says so, and a server that notes what it gets. */
class Bench {
  readonly got: string[] = [];
  readonly waits: number[] = [];
  answer: (sending: Sending) => Outcome | Promise<Outcome> = () => SENT;
  private due: (() => void)[] = [];

  outbox(store: SendingStore, by = "ann"): Outbox {
    return new Outbox(by, {
      store,
      send: async (each) => {
        this.got.push(each.id);
        return this.answer(each);
      },
      changed: () => undefined,
      alone: (work) => work(),
      soon: (run) => run(),
      later: (run, ms) => {
        this.waits.push(ms);
        this.due.push(run);
      },
      random: () => 1,
    });
  }

  timePasses(): void {
    const due = this.due;
    this.due = [];
    for (const run of due) run();
  }
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setTimeout(resolve, 0));
}

describe("an outbox over IndexedDB", () => {
  let factory: IDBFactory;
  let bench: Bench;
  beforeEach(() => {
    factory = new IDBFactory();
    bench = new Bench();
  });

  it("keeps answers that come while the disk is busy with one transaction, in order", async () => {
    const store = await openStore(factory);
    let transactions = 0;
    const database = IDBDatabase.prototype;
    const original = database.transaction;
    database.transaction = function (this: IDBDatabase, ...given: Parameters<typeof original>) {
      transactions += 1;
      return original.apply(this, given);
    };
    try {
      const puts = ["a", "b", "c", "d"].map((id, order) => store.put(sending(id, order)));
      await Promise.all([...puts, store.remove("b")]);
    } finally {
      database.transaction = original;
    }
    expect(transactions).toBeLessThanOrEqual(2);
    expect((await store.all()).map((each) => each.id).sort()).toEqual(["a", "c", "d"]);
  });

  it("says what would be lost until the store has it", async () => {
    const outbox = bench.outbox(await openStore(factory));
    bench.answer = () => LATER;
    outbox.add(sending("a", 1));
    expect(outbox.losable).toBe(true);
    await settled();
    expect(outbox.losable).toBe(false);
    expect(outbox.unsent).toHaveLength(1);
  });

  it("sends in order and forgets what arrived", async () => {
    const store = await openStore(factory);
    const outbox = bench.outbox(store);
    for (const n of [1, 2, 3]) outbox.add(sending(`s${n}`, n));
    await settled();
    expect(bench.got).toEqual(["s1", "s2", "s3"]);
    expect(outbox.unsent).toEqual([]);
    expect(await store.all()).toEqual([]);
  });

  it("repeats the same id until it is acknowledged, and holds the others back", async () => {
    const outbox = bench.outbox(await openStore(factory));
    bench.answer = () => (bench.got.length < 4 ? LATER : SENT);
    outbox.add(sending("a", 1));
    outbox.add(sending("b", 2));
    for (let turn = 0; turn < 6; turn += 1) {
      await settled();
      bench.timePasses();
    }
    await settled();
    expect(bench.got).toEqual(["a", "a", "a", "a", "b"]);
    expect(bench.waits).toEqual([500, 1000, 2000]);
  });

  it("replays after a reload what the last page could not send, oldest first", async () => {
    bench.answer = () => LATER;
    const first = bench.outbox(await openStore(factory));
    first.add(sending("late", 9));
    first.add(sending("early", 2));
    await settled();

    const after = new Bench();
    const outbox = after.outbox(await openStore(factory));
    expect(outbox.unsent).toEqual([]);
    await outbox.drain();
    expect(after.got).toEqual(["early", "late"]);
  });

  it("survives a reload between putting an answer away and hearing about it", async () => {
    const store = await openStore(factory);
    bench.answer = () => new Promise(() => undefined);
    bench.outbox(store).add(sending("a", 1));
    await settled();
    expect(bench.got).toEqual(["a"]);

    const after = new Bench();
    await after.outbox(await openStore(factory)).drain();
    expect(after.got).toEqual(["a"]);
  });

  it("never sends what another person left in the same browser", async () => {
    bench.answer = () => LATER;
    bench.outbox(await openStore(factory), "ben").add(sending("bens", 1, "ben"));
    await settled();

    const after = new Bench();
    await after.outbox(await openStore(factory), "ann").drain();
    expect(after.got).toEqual([]);
  });

  it("drops what another tab has sent", async () => {
    const store = await openStore(factory);
    bench.answer = () => LATER;
    const here = bench.outbox(store);
    here.add(sending("a", 1));
    await settled();

    const elsewhere = new Bench();
    await elsewhere.outbox(await openStore(factory)).drain();
    bench.timePasses();
    await settled();
    expect(here.unsent).toEqual([]);
    expect([bench.got, elsewhere.got]).toEqual([["a"], ["a"]]);
  });

  it("steps over what the server refuses, keeps it over a reload, and forgets it when told", async () => {
    bench.answer = ({ id }) => (id === "bad" ? { kind: "refused", why: "No such label." } : SENT);
    const outbox = bench.outbox(await openStore(factory));
    outbox.add(sending("bad", 1));
    outbox.add(sending("good", 2));
    await settled();
    expect(bench.got).toEqual(["bad", "good"]);
    expect(outbox.refused.map((each) => each.refused)).toEqual(["No such label."]);

    const again = new Bench();
    const reloaded = again.outbox(await openStore(factory));
    await reloaded.drain();
    expect(again.got).toEqual([]);
    expect(reloaded.refused).toHaveLength(1);
    reloaded.dismiss("bad");
    await settled();
    expect(await (await openStore(factory)).all()).toEqual([]);
  });

  it("takes back what was never tried, and nothing that may have arrived", async () => {
    const store = await openStore(factory);
    bench.answer = () => LATER;
    const outbox = bench.outbox(store);
    outbox.add(sending("tried", 1));
    outbox.add(sending("untried", 2));
    await settled();
    expect(outbox.cancel("tried")).toBe(false);
    expect(outbox.cancel("untried")).toBe(true);
    await settled();
    expect((await store.all()).map((each) => each.id)).toEqual(["tried"]);
  });

  it("tries at once when the network is back, whatever it was waiting for", async () => {
    const outbox = bench.outbox(await openStore(factory));
    bench.answer = () => LATER;
    outbox.add(sending("a", 1));
    await settled();
    bench.answer = () => SENT;
    await outbox.hurry();
    bench.timePasses();
    await settled();
    expect(bench.got).toEqual(["a", "a"]);
    expect(outbox.unsent).toEqual([]);
  });

  it("waits as long as the server asks", async () => {
    bench.answer = () => ({ kind: "later", afterSeconds: 7 });
    bench.outbox(await openStore(factory)).add(sending("a", 1));
    await settled();
    expect(bench.waits).toEqual([7000]);
  });

  it("goes on sending when the store breaks", async () => {
    const broken: SendingStore = {
      ...memoryStore(),
      put: () => Promise.reject(new Error("quota")),
    };
    const outbox = bench.outbox(broken);
    outbox.add(sending("a", 1));
    await settled();
    expect(bench.got).toEqual(["a"]);
    expect(outbox.unsent).toEqual([]);
  });

  it("sends what is added while another is on its way, once", async () => {
    const outbox = bench.outbox(await openStore(factory));
    bench.answer = ({ id }) => {
      if (id === "a") outbox.add(sending("b", 2));
      return SENT;
    };
    outbox.add(sending("a", 1));
    await settled();
    expect(bench.got).toEqual(["a", "b"]);
  });
});

describe("the wait between tries", () => {
  it("doubles up to half a minute and is never less than half of it", () => {
    expect([1, 2, 3, 20].map((tries) => backOff(tries, 1))).toEqual([500, 1000, 2000, 30_000]);
    expect([1, 2, 3, 20].map((tries) => backOff(tries, 0))).toEqual([250, 500, 1000, 15_000]);
  });
});
