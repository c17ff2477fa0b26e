/**
 * What a person did leaves the page through here and is kept until the server has it.
 *
 * Every sending carries an id the page made, so sending it again changes nothing. Sendings leave
 * one at a time and in order; the first that cannot be sent holds the others back, except one the
 * server refuses for good: that one steps aside and is kept until a person has seen it.
 */

import type { ReviewBody } from "./wire";

export interface Sending {
  /** The idempotency key: a UUID. */
  readonly id: string;
  /** Who did it: on a shared browser nobody sends another person's answers. */
  readonly by: string;
  readonly project: string;
  readonly request: string;
  /** Grows with every sending of this browser. */
  readonly order: number;
  /** The beginning of the item, for the list of what is not saved yet. */
  readonly shown: string;
  readonly what:
    | { readonly kind: "review"; readonly body: ReviewBody }
    | { readonly kind: "skip"; readonly reason?: string; readonly forGood?: boolean }
    | { readonly kind: "comment"; readonly text: string }
    | { readonly kind: "flag"; readonly note: string };
  /** Why the server will not take it, ever. */
  readonly refused?: string;
}

/** Where sendings survive a reload. Every method resolves once the change is kept. */
export interface SendingStore {
  put(sending: Sending): Promise<void>;
  remove(id: string): Promise<void>;
  all(): Promise<readonly Sending[]>;
}

export type Outcome =
  | { readonly kind: "sent" }
  | { readonly kind: "later"; readonly afterSeconds: number | null }
  | { readonly kind: "refused"; readonly why: string };

export interface OutboxWorld {
  readonly store: SendingStore;
  readonly send: (sending: Sending) => Promise<Outcome>;
  /** Something about the sendings kept here changed. */
  readonly changed: () => void;
  /** Runs `work` while no other tab does; tabs share one store. */
  readonly alone: (work: () => Promise<void>) => Promise<void>;
  /** Runs something once what a key changed is painted. */
  readonly soon: (run: () => void) => void;
  readonly later: (run: () => void, ms: number) => void;
  readonly random: () => number;
}

interface Entry {
  readonly sending: Sending;
  /** The store has it. */
  written: boolean;
  /** It may have reached the server, even if no answer came back. */
  tried: boolean;
}

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 30_000;

/** How long to wait before try number `tries` + 1: doubling, capped, at least half of it random. */
export function backOff(tries: number, random: number): number {
  const most = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.max(0, tries - 1));
  return most / 2 + (random * most) / 2;
}

export class Outbox {
  private readonly world: OutboxWorld;
  private readonly by: string;
  private entries: Entry[] = [];
  private running: Promise<void> | null = null;
  private writing: Promise<unknown> = Promise.resolve();
  private tries = 0;
  private waiting = 0;

  constructor(by: string, world: OutboxWorld) {
    this.by = by;
    this.world = world;
  }

  /** Everything not acknowledged, oldest first, without what was refused. */
  get unsent(): readonly Sending[] {
    return this.entries.map((each) => each.sending).filter((each) => each.refused === undefined);
  }

  get refused(): readonly Sending[] {
    return this.entries.map((each) => each.sending).filter((each) => each.refused !== undefined);
  }

  /** Whether something would be lost if the page closed now: the store has not got it yet. */
  get losable(): boolean {
    return this.entries.some((each) => !each.written);
  }

  /** Keeps a sending and starts to send; returns at once. */
  add(sending: Sending): void {
    const entry: Entry = { sending, written: false, tried: false };
    this.entries = [...this.entries, entry];
    // What the store could not keep stays in memory and must not be taken for sent elsewhere.
    const putting = this.world.store.put(sending).then(() => void (entry.written = true));
    void this.write(putting);
    this.world.changed();
    this.world.soon(() => void this.drain());
  }

  /** Takes a sending back if it cannot have reached the server; false: it may have. */
  cancel(id: string): boolean {
    const entry = this.entries.find((each) => each.sending.id === id);
    if (entry === undefined || entry.tried) return false;
    this.forget(id);
    return true;
  }

  /** Drops a refused sending that a person has seen. */
  dismiss(id: string): void {
    this.forget(id);
  }

  has(id: string): boolean {
    return this.entries.some((each) => each.sending.id === id);
  }

  /** Sends what there is; resolves when all is sent or the next try has to wait. */
  drain(): Promise<void> {
    this.running ??= this.pass().finally(() => {
      this.running = null;
      // Added after the last look, before the pass was over.
      if (this.waiting === 0 && this.unsent.length > 0) void this.drain();
    });
    return this.running;
  }

  /** Tries at once, however long the next try would have waited: the network is back. */
  hurry(): Promise<void> {
    this.tries = 0;
    this.waiting = 0;
    return this.drain();
  }

  private async pass(): Promise<void> {
    if (this.waiting > 0) return;
    await this.world.alone(async () => {
      await this.adopt();
      for (;;) {
        const next = this.entries.find((each) => each.sending.refused === undefined);
        if (next === undefined) return;
        next.tried = true;
        const outcome = await this.world.send(next.sending);
        if (outcome.kind === "later") return this.wait(outcome.afterSeconds);
        this.tries = 0;
        if (outcome.kind === "sent") this.forget(next.sending.id);
        else this.keepRefused(next, outcome.why);
      }
    });
  }

  /** Takes over what the store has: left from before a reload, or changed by another tab. */
  private async adopt(): Promise<void> {
    await this.writing;
    const before = new Set(this.entries.filter((each) => each.written).map((e) => e.sending.id));
    const all = await this.world.store.all().catch(() => []);
    const stored = all.filter((each) => each.by === this.by);
    const known = new Map(this.entries.map((each) => [each.sending.id, each]));
    const there = new Set(stored.map((each) => each.id));
    const kept = this.entries.filter(
      ({ sending }) => !there.has(sending.id) && !before.has(sending.id),
    );
    const found = stored.map(
      // Nobody knows any more whether these were tried.
      (sending) => known.get(sending.id) ?? { sending, written: true, tried: true },
    );
    this.entries = [...found, ...kept].sort((a, b) => a.sending.order - b.sending.order);
    this.world.changed();
  }

  private wait(afterSeconds: number | null): void {
    this.tries += 1;
    const ms = Math.max(backOff(this.tries, this.world.random()), (afterSeconds ?? 0) * 1000);
    const ticket = this.tries;
    this.waiting = ticket;
    this.world.later(() => {
      // A hurried pass in the meantime has made this wait obsolete.
      if (this.waiting !== ticket) return;
      this.waiting = 0;
      void this.drain();
    }, ms);
  }

  private forget(id: string): void {
    this.entries = this.entries.filter((each) => each.sending.id !== id);
    void this.write(this.world.store.remove(id));
    this.world.changed();
  }

  private keepRefused(entry: Entry, why: string): void {
    const sending = { ...entry.sending, refused: why };
    this.entries = this.entries.map((each) => (each === entry ? { ...entry, sending } : each));
    void this.write(this.world.store.put(sending));
    this.world.changed();
  }

  /** Keeps the order of writes, so that a removal never overtakes the put it undoes. */
  private write(change: Promise<void>): Promise<void> {
    // A full or forbidden store must not stop the sending itself: it goes on from memory.
    const done = change.catch(() => undefined);
    this.writing = Promise.all([this.writing, done]);
    return done;
  }
}
