/** What a desk needs of the world around it: tests give it another one. */

import type { Api } from "./api";
import type { SendingStore } from "./outbox";

export interface DeskWorld {
  readonly api: Api;
  readonly store: SendingStore;
  readonly storage: Pick<Storage, "getItem" | "setItem"> | null;
  readonly alone: (work: () => Promise<void>) => Promise<void>;
  /** Runs something once what a key changed is painted. */
  readonly soon: (run: () => void) => void;
  readonly later: (run: () => void, ms: number) => () => void;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Milliseconds, never going back. */
  readonly ticks: () => number;
  readonly random: () => number;
  readonly visible: () => boolean;
}
