/**
 * Takes decisions back: one that never left the page goes back where it was, any other is asked of
 * the server. One at a time, in the order asked for.
 */

import type { Signal } from "@preact/signals";
import { type Api, Problem, Unreachable } from "./api";
import type { Outbox, Sending } from "./outbox";
import { changed, lastUndoable, MOST_PAST, type Past } from "./past";
import type { Answers, Progress, Request } from "./wire";

export interface UndoingWorld {
  readonly api: Api;
  readonly project: string;
  readonly outbox: Outbox;
  readonly past: Signal<readonly Past[]>;
  readonly progress: Signal<Progress | null>;
  /** Puts an item back on the screen with the answers it had. */
  readonly restore: (request: Request, answers: Answers, review: string | null) => void;
  readonly say: (text: string, tone: "calm" | "care") => void;
  readonly reached: (yes: boolean) => void;
  readonly signedOut: () => void;
}

export class Undoing {
  private readonly world: UndoingWorld;
  private last: Promise<void> = Promise.resolve();
  /** Shown here lately: an answer that never left can be taken back without a server. */
  private readonly lately = new Map<string, Request>();

  constructor(world: UndoingWorld) {
    this.world = world;
  }

  /** Takes a decision back; null: the last one. */
  undo(review: string | null): Promise<void> {
    this.last = this.last.then(() => this.takeBack(review));
    return this.last;
  }

  /** An item leaves the screen. */
  remember(request: Request): void {
    this.lately.set(request.id, request);
    const oldest = this.lately.keys().next().value;
    if (this.lately.size > 2 * MOST_PAST && oldest !== undefined) this.lately.delete(oldest);
  }

  private async takeBack(review: string | null): Promise<void> {
    const { outbox, past, say } = this.world;
    const entry =
      review === null
        ? lastUndoable(past.value)
        : (past.value.find((each) => each.id === review) ?? null);
    if (entry === null && past.value.length > 0) {
      say("There is nothing to undo any more.", "calm");
      return;
    }
    const kept = outbox.unsent.find((each) => each.id === entry?.id);
    if (kept !== undefined && this.reopenKept(kept)) return;
    if (kept !== undefined) await outbox.hurry();
    if (entry !== null && outbox.has(entry.id)) {
      say("That answer may have arrived already: undo it once you are online again.", "care");
      return;
    }
    await this.undoThere(entry);
  }

  /** Never left the page: it goes back where it was. */
  private reopenKept(sending: Sending): boolean {
    const request = this.lately.get(sending.request);
    if (sending.what.kind !== "review" || request === undefined) return false;
    if (!this.world.outbox.cancel(sending.id)) return false;
    this.world.restore(request, sending.what.body.answers, sending.id);
    return true;
  }

  private async undoThere(entry: Past | null): Promise<void> {
    const { api, project, reached, restore, say } = this.world;
    try {
      const undone = await api.undo(project, entry?.id ?? null);
      reached(true);
      restore(undone.request, undone.answers, entry?.id ?? null);
      this.uncount();
    } catch (error) {
      say(this.afterFailedUndo(error, entry), "care");
    }
  }

  /** The server says how far things are with the next answer; the figures need not wait for it. */
  private uncount(): void {
    const progress = this.world.progress.value;
    if (progress === null) return;
    const { mine, answered } = progress;
    this.world.progress.value = {
      ...progress,
      mine: Math.max(0, mine - 1),
      answered: Math.max(0, answered - 1),
    };
  }

  private afterFailedUndo(error: unknown, entry: Past | null): string {
    const { past, reached, signedOut } = this.world;
    if (error instanceof Unreachable) {
      reached(false);
      return "Undo needs the server, and it cannot be reached.";
    }
    if (!(error instanceof Problem)) throw error;
    if (error.status === 401) signedOut();
    if (entry !== null && error.status === 409) {
      past.value = changed(past.value, entry.id, { undoable: false });
    }
    return [error.message, error.hint].filter(Boolean).join(" ");
  }
}
