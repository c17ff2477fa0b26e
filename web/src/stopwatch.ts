/** Counts the time an item was really looked at: only while it is shown and the page is visible. */
export class Stopwatch {
  private readonly now: () => number;
  private before = 0;
  private since: number | null = null;

  /** `now` in milliseconds, monotonic; `seconds` counted earlier. */
  constructor(now: () => number, seconds = 0) {
    this.now = now;
    this.before = seconds * 1000;
  }

  start(): void {
    this.since ??= this.now();
  }

  pause(): void {
    if (this.since !== null) this.before += this.now() - this.since;
    this.since = null;
  }

  /** To a tenth of a second. */
  get seconds(): number {
    const running = this.since === null ? 0 : this.now() - this.since;
    return Math.round((this.before + running) / 100) / 10;
  }
}
