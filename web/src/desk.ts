/**
 * One person's place at a project's queue, as the page sees it: what is held, what is shown, what
 * was decided, and what the person can do. Everything shown is a signal; everything done paints
 * first and talks to the server afterwards.
 */

import { batch, computed, signal } from "@preact/signals";
import { CANNOT_SAY, missing } from "./answers";
import { otherwise } from "./otherwise";
import { Problem, Unreachable } from "./api";
import { begin, type Draft, Drafts, reopen } from "./drafts";
import { uuid } from "./ids";
import { Outbox, type Sending } from "./outbox";
import { changed, fromServer, mergePast, MOST_PAST, type Past, withKept } from "./past";
import { Leases, type Nothing, STARTING } from "./leases";
import { FEWEST_AHEAD, merge, toFront } from "./queue";
import { deliver } from "./sender";
import { Stopwatch } from "./stopwatch";
import { Undoing } from "./undoing";
import type { DeskWorld } from "./world";
import type {
  Answer,
  Answers,
  Begun,
  Comment,
  Hinted,
  Leased,
  Progress,
  Project,
  Receipt,
  Request,
} from "./wire";

export interface Notice {
  readonly text: string;
  readonly tone: "calm" | "care";
}

export type Connection = "online" | "offline" | "signed-out";

const SHOWN_CHARACTERS = 200;
/** An earlier visit's answers get this long before the page leases regardless. */
const START_MS = 5_000;

export class Desk {
  readonly project: Project;
  readonly held = signal<readonly Request[]>([]);
  readonly current = computed<Request | null>(() => this.held.value[0] ?? null);
  readonly draft = signal<Draft | null>(null);
  readonly progress = signal<Progress | null>(null);
  readonly nothing = signal<Nothing>(STARTING);
  readonly past = signal<readonly Past[]>([]);
  readonly unsent = signal<readonly Sending[]>([]);
  readonly refused = signal<readonly Sending[]>([]);
  /** Comments of this page that arrived: a thread on the screen looks again. */
  readonly words = signal(0);
  readonly connection = signal<Connection>("online");
  readonly notice = signal<Notice | null>(null);
  readonly closed = computed(() => this.progress.value?.phase === "closed");
  /** One's answers, with those that have not arrived yet. */
  readonly mine = computed(
    () =>
      (this.progress.value?.mine ?? 0) +
      this.unsent.value.filter((each) => each.what.kind === "review").length,
  );

  private readonly world: DeskWorld;
  private readonly by: string;
  private readonly outbox: Outbox;
  private readonly leases: Leases;
  private readonly drafts: Drafts;
  private readonly undoing: Undoing;
  private watch: Stopwatch;
  private order = 0;

  constructor(world: DeskWorld, project: Project, by: string) {
    this.world = world;
    this.project = project;
    this.by = by;
    this.drafts = new Drafts(world.storage);
    this.watch = new Stopwatch(world.ticks);
    this.outbox = new Outbox(by, {
      store: world.store,
      send: (sending) => deliver(world.api, sending, this),
      changed: () => this.mirror(),
      alone: world.alone,
      soon: world.soon,
      later: (run, ms) => void world.later(run, ms),
      random: world.random,
    });
    this.leases = new Leases({
      ...world,
      project: project.id,
      held: () => this.held.value,
      busy: () => this.waiting().map((each) => each.request),
      take: (leased, nothing) => this.take(leased, nothing),
      failed: (nothing) => void (this.nothing.value = nothing),
      reached: (yes) => this.reached(yes),
      signedOut: () => this.signedOut(),
    });
    this.undoing = new Undoing({
      api: world.api,
      project: project.id,
      outbox: this.outbox,
      past: this.past,
      progress: this.progress,
      restore: (request, answers, review) => this.restore(request, answers, review),
      say: (text, tone) => void (this.notice.value = { text, tone }),
      reached: (yes) => this.reached(yes),
      signedOut: () => this.signedOut(),
    });
  }

  // ------------------------------------------------------------------------ what a person does

  /** Sets a question's answer in the form; null: nothing chosen. */
  set(name: string, answer: Answer | null): void {
    this.edit((draft) => ({
      answers: { ...draft.answers, [name]: answer },
      touched: true,
    }));
  }

  setNote(note: string): void {
    this.edit(() => ({ note, touched: true }));
  }

  setFlag(flag: string): void {
    this.edit(() => ({ flag, touched: true }));
  }

  /** Gives a question the keys. */
  activate(index: number): void {
    this.edit(() => ({ active: index }));
  }

  /** An answer that settles its question: submits if it is the only one, else goes on. */
  decide(name: string, answer: Answer): void {
    this.set(name, answer);
    const { questions } = this.project;
    if (questions.length === 1) return this.submit();
    const answers = this.draft.value?.answers ?? {};
    const from = questions.findIndex((each) => each.name === name);
    const open = questions.findIndex((each) => missing(each, answers[each.name] ?? null) !== null);
    // The last key of several questions does not submit: Enter does, after a look at all of them.
    if (from + 1 < questions.length) this.activate(from + 1);
    else if (open !== -1) this.activate(open);
  }

  cannotSay(name: string): void {
    this.decide(name, CANNOT_SAY);
  }

  /** Sends the form as it is, or says what is missing. */
  submit(): void {
    const draft = this.draft.value;
    if (draft === null) return;
    const answers: Record<string, Answer> = {};
    for (const [index, question] of this.project.questions.entries()) {
      const answer = draft.answers[question.name] ?? null;
      const why = missing(question, answer);
      if (why !== null || answer === null) {
        this.activate(index);
        this.notice.value = { text: why ?? "", tone: "care" };
        return;
      }
      answers[question.name] = answer;
    }
    this.answer(answers, draft.note);
  }

  /** Puts the item behind the others; with a reason it is for somebody else from now on. */
  skip(reason: string | null = null): void {
    const request = this.current.value;
    if (request === null) return;
    this.keepDraft();
    const forGood = reason !== null;
    const sending = this.sending(
      request,
      forGood ? { kind: "skip", reason: reason.trim(), forGood } : { kind: "skip" },
    );
    const text = forGood ? "Passed on: somebody else gets it." : "Skipped: it comes back later.";
    batch(() => {
      this.outbox.add(sending);
      this.show(this.held.value.slice(1));
      this.notice.value = { text, tone: "calm" };
    });
    this.world.soon(() => void this.leases.refill());
  }

  /** Tells whoever runs the project what is wrong with the item; the item stays. */
  sendFlag(): void {
    const request = this.current.value;
    const draft = this.draft.value;
    if (request === null || draft === null) return;
    this.outbox.add(this.sending(request, { kind: "flag", note: draft.flag.trim() }));
    this.edit(() => ({ flagged: true, flag: "" }));
    this.notice.value = { text: "Flagged. You can still answer or skip it.", tone: "calm" };
  }

  /** Says something of the item; the item stays. */
  sendComment(): void {
    const request = this.current.value;
    const text = this.draft.value?.note.trim() ?? "";
    if (request === null || text === "") return;
    this.outbox.add(this.sending(request, { kind: "comment", text }));
    this.edit(() => ({ note: "" }));
  }

  /** What was said of an item; nothing while the server cannot be asked. */
  async thread(request: string): Promise<readonly Comment[]> {
    try {
      const comments = await this.world.api.thread(this.project.id, request);
      // Whoever read others' words in a blind project cannot undo that answer any more.
      if (this.project.blind && comments.some((each) => !each.mine)) void this.recall();
      return comments;
    } catch (error) {
      if (error instanceof Problem || error instanceof Unreachable) return [];
      throw error;
    }
  }

  /** What the machine said of an item, or why that is not to be seen. */
  async hint(request: string): Promise<Hinted> {
    try {
      return await this.world.api.hint(this.project.id, request);
    } catch (error) {
      if (error instanceof Problem) return { hint: null, why: error.message };
      if (error instanceof Unreachable) return { hint: null, why: "The server does not answer." };
      throw error;
    }
  }

  /** Whether hints on what one answered may be asked for. */
  get looksBack(): boolean {
    const { hints = "off", blind } = this.project;
    return hints !== "off" && (!blind || this.closed.value);
  }

  /** Takes a decision back; null: the last one. One at a time, in the order asked for. */
  undo(review: string | null = null): Promise<void> {
    return this.undoing.undo(review);
  }

  dismiss(id: string): void {
    this.outbox.dismiss(id);
  }

  // ------------------------------------------------------------------------ what the page tells

  /** Takes what came with the page; else sends what an earlier visit left, then leases. */
  async start(begun: Partial<Begun & { skew: number }> = {}): Promise<void> {
    const { leased, history, skew = 0 } = begun;
    if (history) this.past.value = mergePast(this.past.value, history.reviews.map(fromServer));
    if (leased) {
      this.leases.begin(leased, FEWEST_AHEAD, skew);
      return this.outbox.drain();
    }
    // Answers come before leases, so that nobody is asked again what they have answered.
    const enough = new Promise<void>((resolve) => void this.world.later(resolve, START_MS));
    await Promise.race([this.outbox.drain(), enough]);
    await this.leases.refill();
    void this.recall();
  }

  /** The network is back, or the page is looked at again. */
  wake(): void {
    if (this.current.value !== null) this.watch.start();
    this.leases.hopeful();
    void this.outbox.hurry();
    void this.leases.renew();
  }

  /** Whether the page would lose an answer if it closed now. */
  get losable(): boolean {
    return this.outbox.losable;
  }

  /** Nobody looks any more. */
  sleep(): void {
    this.watch.pause();
    this.keepDraft();
    this.leases.sleep();
  }

  /** Requests to give back when the page closes: not those whose answer is still on its way. */
  leaving(): readonly string[] {
    this.sleep();
    return this.held.value.map((each) => each.id);
  }

  lostConnection(): void {
    if (this.connection.value === "online") this.connection.value = "offline";
  }

  /** News of the project, from whatever source. */
  hear(progress: Progress): void {
    const before = this.progress.value;
    this.progress.value = progress;
    if (before === null) return;
    if (progress.phase !== before.phase) void this.recall();
    else if (progress.open <= before.open) return;
    this.leases.hopeful();
    void this.leases.refill();
  }

  // ----------------------------------------------------------------- what became of a sending

  receipt(sending: Sending, receipt: Omit<Receipt, "id" | "request">): void {
    if (sending.project === this.project.id) this.hear(receipt.progress);
    if (receipt.counted) {
      this.past.value = changed(this.past.value, sending.id, { state: "saved" });
      const other = otherwise(this.project.questions, sending, receipt.hint ?? null);
      if (other !== null) this.notice.value = { text: other, tone: "calm" };
    } else {
      this.past.value = changed(this.past.value, sending.id, { state: "extra" });
      this.notice.value = {
        text: "Somebody answered that one first. Yours is kept beside it.",
        tone: "calm",
      };
    }
  }

  said(): void {
    this.words.value += 1;
  }

  differs(sending: Sending): void {
    this.past.value = changed(this.past.value, sending.id, { state: "differs", undoable: false });
    this.notice.value = {
      text: "That item already had another answer of yours. The first one stands.",
      tone: "care",
    };
  }

  reached(yes: boolean): void {
    if (yes) this.connection.value = "online";
    else this.lostConnection();
  }

  signedOut(): void {
    this.connection.value = "signed-out";
  }

  // ------------------------------------------------------------------------------------ inside

  private answer(answers: Answers, note: string): void {
    const request = this.current.value;
    if (request === null) return;
    this.watch.pause();
    const seconds = this.watch.seconds;
    const body = { request: request.id, answers, seconds, note: note.trim() || null };
    const sending = this.sending(request, { kind: "review", body });
    batch(() => {
      this.outbox.add(sending);
      this.drafts.drop(request.id);
      this.notice.value = null;
      this.show(this.held.value.slice(1));
    });
    this.leases.answered();
  }

  private sending(request: Request, what: Sending["what"]): Sending {
    // Two answers within one millisecond keep their order.
    this.order = Math.max(this.order + 1, this.world.now());
    return {
      id: uuid(),
      by: this.by,
      project: this.project.id,
      request: request.id,
      order: this.order,
      shown: request.item.text.slice(0, SHOWN_CHARACTERS),
      what,
    };
  }

  /** What is on its way for this project. */
  private waiting(): readonly Sending[] {
    return this.outbox.unsent.filter((each) => each.project === this.project.id);
  }

  private restore(request: Request, previous: Answers, review: string | null): void {
    this.keepDraft();
    this.drafts.keep(reopen(this.project.questions, request, previous));
    batch(() => {
      this.past.value = this.past.value.filter((each) => each.id !== review);
      this.show(toFront(this.held.value, request));
      this.notice.value = { text: "Undone: answer it again.", tone: "calm" };
    });
  }

  /** Makes these the held requests; the first is on the screen. */
  private show(held: readonly Request[]): void {
    const before = this.current.value;
    const next = held[0] ?? null;
    batch(() => {
      this.held.value = held;
      if (next?.id === before?.id) return;
      if (before !== null) this.undoing.remember(before);
      const draft =
        next === null ? null : (this.drafts.get(next.id) ?? begin(this.project.questions, next));
      this.draft.value = draft;
      this.watch = new Stopwatch(this.world.ticks, draft?.seconds ?? 0);
      if (next !== null && this.world.visible()) this.watch.start();
    });
  }

  private edit(change: (draft: Draft) => Partial<Draft>): void {
    const draft = this.draft.value;
    if (draft !== null) this.draft.value = { ...draft, ...change(draft) };
  }

  /** Puts the draft on the screen where it survives the item leaving the screen, and a reload. */
  private keepDraft(): void {
    const draft = this.draft.value;
    if (draft?.touched) this.drafts.keep({ ...draft, seconds: this.watch.seconds });
  }

  /** Shows what the outbox keeps. */
  private mirror(): void {
    batch(() => {
      this.unsent.value = this.outbox.unsent;
      this.refused.value = this.outbox.refused;
      const kept = [...this.outbox.unsent, ...this.outbox.refused];
      this.past.value = withKept(this.past.value, kept, this.project.id);
    });
  }

  private take(leased: Leased, nothing: Nothing): void {
    const busy = new Set(this.outbox.unsent.map((each) => each.request));
    batch(() => {
      this.show(merge(this.held.value, leased.requests, leased.lost ?? [], busy));
      this.nothing.value = nothing;
      this.hear(leased.progress);
    });
  }

  /** Asks the server for my last decisions. */
  private async recall(): Promise<void> {
    try {
      const reviews = await this.world.api.history(this.project.id, MOST_PAST);
      this.past.value = mergePast(this.past.value, reviews.map(fromServer));
    } catch (error) {
      // The list is a convenience: it fills again with the next decision or visit.
      if (!(error instanceof Problem || error instanceof Unreachable)) throw error;
    }
  }
}
