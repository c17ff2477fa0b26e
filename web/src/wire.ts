/**
 * What the server and the page say to each other: `/api/v1` as types.
 *
 * Names and nesting are those of the JSON. Nothing here does anything.
 */

// ------------------------------------------------------------------ questions and answers

export interface Label {
  readonly id: string;
  readonly name: string;
  readonly description: string;
}

interface AnyQuestion {
  readonly name: string;
  readonly version: number;
  readonly text: string;
  readonly guideline?: string;
}

export interface ChoiceQuestion extends AnyQuestion {
  readonly kind: "choice";
  readonly labels: readonly Label[];
}

export interface MultiChoiceQuestion extends AnyQuestion {
  readonly kind: "multichoice";
  readonly labels: readonly Label[];
  readonly least: number;
  readonly most: number | null;
}

export interface RatingQuestion extends AnyQuestion {
  readonly kind: "rating";
  readonly low: number;
  readonly high: number;
  readonly step: number;
  readonly low_name: string;
  readonly high_name: string;
}

export interface TextQuestion extends AnyQuestion {
  readonly kind: "text";
  /** The column to correct; null: write something new. */
  readonly field: string | null;
  readonly longest: number;
}

export interface SpansQuestion extends AnyQuestion {
  readonly kind: "spans";
  readonly labels: readonly Label[];
  readonly overlap: boolean;
}

export interface PairwiseQuestion extends AnyQuestion {
  readonly kind: "pairwise";
  /** The columns that hold the two texts. */
  readonly a: string;
  readonly b: string;
}

export type Question =
  | ChoiceQuestion
  | MultiChoiceQuestion
  | RatingQuestion
  | TextQuestion
  | SpansQuestion
  | PairwiseQuestion;

export interface CannotSay {
  readonly cannot_say: true;
}
export interface Chosen {
  readonly label: string;
}
export interface ChosenSeveral {
  readonly labels: readonly string[];
}
export interface Rated {
  readonly value: number;
}
export interface Written {
  readonly text: string;
}
/** `start` and `end` count code points, not UTF-16 units. */
export interface Span {
  readonly start: number;
  readonly end: number;
  readonly label: string;
}
export interface Marked {
  readonly spans: readonly Span[];
}
export type Preference = "a" | "b" | "tie" | "both_bad";
export interface Preferred {
  readonly preferred: Preference;
}

export type Answer = CannotSay | Chosen | ChosenSeveral | Rated | Written | Marked | Preferred;

/** Answers by question name. */
export type Answers = Readonly<Record<string, Answer>>;

// ----------------------------------------------------------------------- items and requests

export type Json =
  string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };

export type ItemKind = "text" | "markdown" | "chat" | "image" | "fields" | "json";

export interface Item {
  readonly key: string;
  readonly text: string;
  readonly kind: ItemKind;
  /** Values shown beside the text. */
  readonly fields: Readonly<Record<string, Json>>;
  /** Address of the picture, where items are pictures; their text is the name it came under. */
  readonly image?: string | null;
}

/** A word that told the machine something: above 0 for its answer, below 0 against it. */
export interface Word {
  readonly word: string;
  readonly weight: number;
}

export interface MachineSays {
  readonly answer: Answer;
  readonly confidence: number | null;
  readonly words: readonly Word[];
}

/** What the machine says, by question name, and decided items that are like this one. */
export interface Hint {
  readonly machine: Readonly<Record<string, MachineSays>>;
  readonly alike: readonly { readonly item: Item; readonly answers: Answers }[];
}

/** A hint, or why there is none to see. */
export interface Hinted {
  readonly hint: Hint | null;
  readonly why: string | null;
}

export interface Request {
  readonly id: string;
  readonly item: Item;
  /** Only in projects that show hints before the answer. */
  readonly hint?: Hint | null;
  /** RFC 3339. */
  readonly lease_until: string;
}

/** A blind project is only ever "asking": its phase would tell which items are audited. */
export type Phase = "learning" | "auditing" | "finishing" | "asking" | "closed";

export interface Progress {
  readonly phase: Phase;
  readonly items: number;
  /** Answers of everybody. */
  readonly answered: number;
  readonly mine: number;
  readonly automatic: number;
  readonly open: number;
  readonly remaining: number | null;
  readonly minutes: number | null;
  readonly bound: number | null;
  readonly statement: string | null;
  readonly paused: string | null;
}

// -------------------------------------------------------------------- requests and responses

export type Role = "admin" | "manager" | "reviewer" | "auditor";

export interface Me {
  readonly name: string;
  readonly kind: "local" | "account";
  readonly roles: Readonly<Record<string, Role>>;
}

export interface ProjectBrief {
  readonly id: string;
  readonly name: string;
  readonly role: Role;
}

export interface Project {
  readonly id: string;
  readonly name: string;
  readonly questions: readonly Question[];
  readonly guideline: string;
  readonly blur: boolean;
  readonly blind: boolean;
  readonly text_direction: "auto" | "ltr" | "rtl";
  /** In a blind project not before the certificate. */
  readonly hints?: "off" | "after" | "before";
  readonly policy: string;
}

export interface Leased {
  readonly requests: readonly Request[];
  readonly lost?: readonly string[];
  readonly why: string | null;
  /** When the first lease of somebody else ends; RFC 3339. */
  readonly until?: string | null;
  readonly retry_seconds: number | null;
  readonly progress: Progress;
}

/** Everything the page begins with; `project` is null where a person must choose. */
export interface Begun {
  readonly me: Me;
  readonly projects: readonly ProjectBrief[];
  readonly project: Project | null;
  /** Null where nothing was wanted, or this person answers nothing there. */
  readonly leased: Leased | null;
  readonly history: { readonly reviews: readonly PastReview[] } | null;
}

export interface Comment {
  readonly id: string;
  readonly author: string;
  readonly mine: boolean;
  readonly kind: "comment" | "flag";
  /** Null once it was erased. */
  readonly text: string | null;
  /** RFC 3339. */
  readonly at: string;
}

export interface ReviewBody {
  readonly request: string;
  readonly answers: Answers;
  readonly seconds: number | null;
  readonly note: string | null;
}

export interface Receipt {
  readonly id: string;
  readonly request: string;
  readonly counted: boolean;
  /** Only in projects that show hints after the answer. */
  readonly hint?: Hint | null;
  readonly progress: Progress;
}

export interface Undone {
  readonly request: Request;
  readonly answers: Answers;
}

export interface PastReview {
  readonly id: string;
  readonly request: string;
  readonly item: { readonly text: string };
  readonly answers: Answers;
  readonly at: string;
  readonly undoable: boolean;
}

export interface ProblemBody {
  readonly status: number;
  readonly code: string;
  readonly title: string;
  readonly detail: string;
  readonly hint: string;
  /** With code "other_answer": what the same id was stored with, and what came now. */
  readonly first?: Answers | Answer;
  readonly second?: Answers | Answer;
}
