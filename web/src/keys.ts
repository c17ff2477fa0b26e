/**
 * Which key a person meant. Pure: an event goes in, the name of a key or nothing comes out.
 *
 * Nothing comes out while somebody types in a field, composes a character, holds Ctrl, Alt or the
 * system's key, or leans on a key: only arrows repeat, they decide nothing.
 */

export interface KeyLike {
  readonly key: string;
  readonly code: string;
  readonly shiftKey: boolean;
  readonly ctrlKey: boolean;
  readonly altKey: boolean;
  readonly metaKey: boolean;
  readonly repeat: boolean;
  readonly isComposing: boolean;
  readonly target: unknown;
}

const FIELD_TYPES = new Set(["checkbox", "radio", "button", "submit", "reset"]);
const NATIVE = new Set(["BUTTON", "A", "SUMMARY"]);

/**
 * The key's name: "1", "s", "?", "Enter", "Backspace", "ArrowLeft", "Shift+ArrowLeft"; null where
 * it is none of ours. Digits are found by their place, too: on a French keyboard the digits' row
 * gives "&é…" without Shift.
 */
export function stroke(event: KeyLike): string | null {
  if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return null;
  const arrow = event.key.startsWith("Arrow");
  if (event.repeat && !arrow) return null;
  if (isTyping(event.target)) return null;
  if (event.key === "Enter" || event.key === " ") {
    return hasOwnEnter(event.target, event.key) || event.shiftKey ? null : event.key;
  }
  if (arrow) {
    return ownsArrows(event.target) ? null : `${event.shiftKey ? "Shift+" : ""}${event.key}`;
  }
  if (event.key.length > 1) return event.shiftKey ? null : event.key;
  if (/^[0-9?/]$/.test(event.key)) return event.key;
  if (event.shiftKey) return null;
  if (event.key === "-") return "-";
  const digit = /^(?:Digit|Numpad)([0-9])$/.exec(event.code)?.[1];
  return digit ?? event.key.toLowerCase();
}

/** Whether key presses write into this element. */
export function isTyping(target: unknown): boolean {
  const element = asElement(target);
  if (element === null) return false;
  if (element.isContentEditable === true) return true;
  if (element.tagName === "TEXTAREA" || element.tagName === "SELECT") return true;
  if (element.tagName !== "INPUT") return false;
  const type = element.type ?? "text";
  return !FIELD_TYPES.has(type) && type !== "range";
}

/** Buttons and links act on Enter and Space by themselves, check boxes on Space. */
function hasOwnEnter(target: unknown, key: string): boolean {
  const element = asElement(target);
  if (element === null) return false;
  return NATIVE.has(element.tagName) || (element.tagName === "INPUT" && key === " ");
}

function ownsArrows(target: unknown): boolean {
  const element = asElement(target);
  return element?.tagName === "INPUT" && (element.type === "radio" || element.type === "range");
}

interface ElementLike {
  readonly tagName: string;
  readonly type?: string;
  readonly isContentEditable?: boolean;
}

function asElement(target: unknown): ElementLike | null {
  return typeof target === "object" && target !== null && "tagName" in target
    ? (target as ElementLike)
    : null;
}

/** Says whether it used the key. */
export type KeyHandler = (key: string) => boolean;

/** Who gets a key first: the question, then the form around it, then the page. */
export type Level = "question" | "form" | "page";

const LEVELS: readonly Level[] = ["question", "form", "page"];

export class KeyRing {
  private listeners: readonly { readonly level: Level; readonly handler: KeyHandler }[] = [];

  /** Returns how to stop listening. */
  listen(level: Level, handler: KeyHandler): () => void {
    const listener = { level, handler };
    this.listeners = [listener, ...this.listeners];
    return () => {
      this.listeners = this.listeners.filter((each) => each !== listener);
    };
  }

  /** Says whether anybody used the key. */
  press(key: string): boolean {
    return LEVELS.some((level) =>
      this.listeners.some((each) => each.level === level && each.handler(key)),
    );
  }
}
