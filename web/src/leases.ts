/**
 * Keeps a page supplied: leases ahead, renews while somebody looks, asks again when there was
 * nothing. At most one lease is on its way at a time.
 */

import { type Api, Problem, Unreachable } from "./api";
import { backOff } from "./outbox";
import { ahead, renewIn, wanted } from "./queue";
import type { Leased, Request } from "./wire";
import { clock } from "./words";

/** Why nothing is on the screen. */
export interface Nothing {
  readonly kind: "starting" | "nothing" | "unreachable" | "failed";
  readonly why: string | null;
  readonly hint: string | null;
  /** When the page asks again, in milliseconds since 1970. */
  readonly retryAt: number | null;
}

export const STARTING: Nothing = { kind: "starting", why: null, hint: null, retryAt: null };

export interface LeasesWorld {
  readonly api: Api;
  readonly project: string;
  readonly now: () => number;
  readonly random: () => number;
  readonly visible: () => boolean;
  /** Runs something once what a key changed is painted. */
  readonly soon: (run: () => void) => void;
  /** Runs something later; returns how to stop it. */
  readonly later: (run: () => void, ms: number) => () => void;
  readonly held: () => readonly Request[];
  /** Requests answered here whose answers have not arrived. */
  readonly busy: () => readonly string[];
  readonly take: (leased: Leased, nothing: Nothing) => void;
  readonly failed: (nothing: Nothing) => void;
  readonly reached: (yes: boolean) => void;
  readonly signedOut: () => void;
}

const RETRY_SECONDS = 10;
/** The server takes no longer list; what is not on it is not renewed, and not lost for that. */
const MOST_HOLDING = 500;
const MOST_REMEMBERED = 60;

export class Leases {
  private readonly world: LeasesWorld;
  private answeredAt: readonly number[] = [];
  /** Until then the server said it has nothing. */
  private dryUntil = 0;
  private failures = 0;
  private running: Promise<void> | null = null;
  private stopRetry: () => void = () => undefined;
  private stopRenewal: () => void = () => undefined;

  constructor(world: LeasesWorld) {
    this.world = world;
  }

  /** Somebody answered: who is fast gets more ahead. */
  answered(): void {
    this.answeredAt = [...this.answeredAt.slice(1 - MOST_REMEMBERED), this.world.now()];
    this.world.soon(() => void this.refill());
  }

  /** Takes what came with the page. */
  begin(leased: Leased, limit: number, skew: number): void {
    this.take(leased, limit);
    this.planRenewal(skew);
  }

  /** Leases more if too little is held. */
  refill(): Promise<void> {
    const limit = this.limit();
    return limit > 0 ? this.lease(limit) : Promise.resolve();
  }

  /** Renews, and finds out what was lost meanwhile. */
  renew(): Promise<void> {
    return this.lease(this.limit());
  }

  /** There is reason to believe that the server has something now. */
  hopeful(): void {
    this.failures = 0;
    this.dryUntil = 0;
  }

  /** Nobody looks: what is not renewed goes to others. */
  sleep(): void {
    this.stopRenewal();
  }

  private limit(): number {
    const now = this.world.now();
    if (now < this.dryUntil) return 0;
    return wanted(this.world.held().length, ahead(this.answeredAt, now));
  }

  private lease(limit: number): Promise<void> {
    this.running ??= this.ask(limit).finally(() => {
      this.running = null;
      // Keys pressed while this lease was on its way may have eaten into it.
      void this.refill();
    });
    return this.running;
  }

  private async ask(limit: number): Promise<void> {
    this.stopRetry();
    const { api, project, held, busy } = this.world;
    const holding = [...new Set([...held().map((each) => each.id), ...busy()])].slice(
      0,
      MOST_HOLDING,
    );
    try {
      const leased = await api.lease(project, limit, holding);
      this.failures = 0;
      this.world.reached(true);
      this.take(leased, limit);
      this.planRenewal(leased.skew);
    } catch (error) {
      this.failed(error);
    }
  }

  private take(leased: Leased, limit: number): void {
    const closed = leased.progress.phase === "closed";
    const ms = (leased.retry_seconds ?? RETRY_SECONDS) * 1000;
    const retryAt = closed ? null : this.world.now() + ms;
    const fewer = leased.requests.length < limit;
    this.dryUntil = fewer ? this.world.now() + ms : 0;
    const hint = leased.until ? `The first of their leases ends at ${clock(leased.until)}.` : null;
    this.world.take(leased, { kind: "nothing", why: leased.why, hint, retryAt });
    if (fewer && !closed) this.retryIn(ms);
  }

  private failed(error: unknown): void {
    this.failures += 1;
    const ms = backOff(this.failures + 1, this.world.random());
    const retryAt = this.world.now() + ms;
    this.dryUntil = retryAt;
    if (error instanceof Unreachable) {
      this.world.reached(false);
      this.world.failed({ kind: "unreachable", why: null, hint: null, retryAt });
    } else if (error instanceof Problem) {
      if (error.status === 401) this.world.signedOut();
      this.world.failed({ kind: "failed", why: error.message, hint: error.hint, retryAt });
    } else throw error;
    this.retryIn(ms);
  }

  private retryIn(ms: number): void {
    this.stopRetry = this.world.later(() => {
      this.dryUntil = 0;
      // Nobody looks: the page asks again when somebody does.
      if (this.world.visible()) void this.refill();
    }, ms);
  }

  private planRenewal(skew: number): void {
    this.stopRenewal();
    const held = this.world.held();
    if (held.length === 0) return;
    this.stopRenewal = this.world.later(
      () => {
        if (this.world.visible()) void this.renew();
      },
      renewIn(held, this.world.now(), skew),
    );
  }
}
