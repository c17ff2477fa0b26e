/** Hears what happens in a project while somebody looks: progress, and that it closed. */

import { backOff } from "./outbox";
import type { Progress } from "./wire";

export interface LiveWorld {
  readonly open: (url: string) => EventSource;
  readonly later: (run: () => void, ms: number) => () => void;
  readonly random: () => number;
}

export class Live {
  private readonly world: LiveWorld;
  private readonly url: string;
  private readonly heard: (progress: Progress) => void;
  private source: EventSource | null = null;
  private failures = 0;
  private stopRetry: () => void = () => undefined;

  constructor(world: LiveWorld, url: string, heard: (progress: Progress) => void) {
    this.world = world;
    this.url = url;
    this.heard = heard;
  }

  /** Listens; a second call changes nothing. */
  start(): void {
    if (this.source !== null) return;
    this.stopRetry();
    const source = this.world.open(this.url);
    this.source = source;
    const hear = (event: MessageEvent<string>): void => {
      this.failures = 0;
      const progress = parse(event.data);
      if (progress !== null) this.heard(progress);
    };
    source.addEventListener("progress", hear);
    source.addEventListener("closed", (event) => {
      hear(event);
      // Nothing follows: a browser that goes on asking would only wake the server.
      this.stop();
    });
    source.addEventListener("error", () => {
      // The browser connects again by itself, except after a refusal.
      if (source.readyState === source.CLOSED) this.again();
    });
  }

  /** Browsers allow a server few connections: a page nobody looks at needs none. */
  stop(): void {
    this.stopRetry();
    this.source?.close();
    this.source = null;
  }

  private again(): void {
    this.source = null;
    this.failures += 1;
    this.stopRetry = this.world.later(
      () => this.start(),
      backOff(this.failures + 1, this.world.random()),
    );
  }
}

function parse(data: string): Progress | null {
  try {
    const value: unknown = JSON.parse(data);
    const isProgress = typeof value === "object" && value !== null && "phase" in value;
    return isProgress ? (value as Progress) : null;
  } catch {
    return null;
  }
}
