/**
 * Stretches of a text, each with a label. The text stands in the middle of the page and the labels
 * in the form: both are here, and share what is selected.
 */

import { batch, signal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { MOST_DIGITS } from "../answers";
import { useKeys } from "../context";
import type { Direction } from "../items/views";
import { Key, keepFocus } from "../parts";
import { Offsets, type Range, snap, tokens } from "../segments";
import {
  type Cursor,
  cursorOver,
  labelled,
  type Mark,
  moved,
  pieces,
  selected,
  toMarks,
  toSpans,
  unlabelled,
} from "../spans";
import type { Answer, Item, SpansQuestion } from "../wire";
import { onNextLine, reveal, selectedIn } from "./marking";
import type { FormProps } from "./props";

// ---------------------------------------------------------------------- what both halves share

const cursor = signal<Cursor | null>(null);
const selection = signal<Range | null>(null);
/** Selected by touch: the browser draws it, and redrawing the text would take it away. */
let pending: Range | null = null;
let shownText: HTMLElement | null = null;

function select(next: Cursor | null, range: Range | null): void {
  batch(() => {
    cursor.value = next;
    selection.value = range;
  });
  pending = null;
}

function marksOf(answer: Answer | null, offsets: Offsets): readonly Mark[] {
  return answer !== null && "spans" in answer ? toMarks(answer.spans, offsets) : [];
}

const COLOURS = 8;

function colour(question: SpansQuestion, id: string): string {
  return `c${
    Math.max(
      0,
      question.labels.findIndex((each) => each.id === id),
    ) % COLOURS
  }`;
}

function nameOf(question: SpansQuestion, id: string): string {
  return question.labels.find((each) => each.id === id)?.name ?? id;
}

// ---------------------------------------------------------------------------------- the text

interface MarkedTextProps {
  readonly question: SpansQuestion;
  readonly item: Item;
  readonly request: string;
  readonly answer: Answer | null;
  readonly direction: Direction;
}

export function MarkedText(props: MarkedTextProps): JSX.Element {
  const { question, item } = props;
  const { text } = item;
  const element = useRef<HTMLParagraphElement>(null);
  const offsets = useMemo(() => new Offsets(text), [text]);
  const words = useMemo(() => tokens(text), [text]);
  const marks = marksOf(props.answer, offsets);

  useLayoutEffect(() => {
    shownText = element.current;
    select(null, null);
  }, [props.request]);

  useEffect(() => {
    const onChange = (): void => {
      pending = element.current && selectedIn(element.current);
      if (pending?.start === pending?.end) pending = null;
    };
    const onUp = (event: PointerEvent): void => {
      if (event.pointerType === "touch" || !element.current) return;
      const range = selectedIn(element.current);
      if (range === null || !element.current.contains(event.target as Node | null)) return;
      const clicked = range.start === range.end;
      const clean = clicked ? null : snap(text, range);
      const next = cursorOver(
        clicked ? { start: range.start, end: range.start + 1 } : range,
        words,
      );
      getSelection()?.removeAllRanges();
      select(next, clean ?? selected(next, words));
    };
    document.addEventListener("selectionchange", onChange);
    document.addEventListener("pointerup", onUp);
    return () => {
      document.removeEventListener("selectionchange", onChange);
      document.removeEventListener("pointerup", onUp);
    };
  }, [text]);

  return (
    <p ref={element} class="prose middling marked" dir={props.direction}>
      {pieces(text.length, marks, selection.value).map((piece) => {
        const content = text.slice(piece.start, piece.end);
        const inner = innermost(piece.marks);
        const classes = [
          inner ? `mark ${colour(question, inner.label)}` : "",
          piece.marks.length > 1 ? "several" : "",
          piece.selected ? "selected" : "",
        ].filter(Boolean);
        if (classes.length === 0) return content;
        const tags = piece.marks
          .filter((each) => each.start === piece.start)
          .map((each) => nameOf(question, each.label))
          .join(", ");
        return (
          <span key={piece.start} class={classes.join(" ")} data-tags={tags || undefined}>
            {content}
          </span>
        );
      })}
    </p>
  );
}

function innermost(marks: readonly Mark[]): Mark | null {
  return marks.reduce<Mark | null>(
    (best, each) => (best === null || each.end - each.start < best.end - best.start ? each : best),
    null,
  );
}

// ---------------------------------------------------------------------------------- the form

export function Spans(props: FormProps<SpansQuestion>): JSX.Element {
  const { question, item, onChange } = props;
  const { text } = item;
  const offsets = useMemo(() => new Offsets(text), [text]);
  const words = useMemo(() => tokens(text), [text]);
  const marks = marksOf(props.answer, offsets);
  const range = selection.value;

  const keep = (next: readonly Mark[]): void => onChange({ spans: toSpans(next, offsets) });

  const apply = (label: string): void => {
    const chosen = pending ?? selection.value;
    if (chosen === null) return;
    keep(labelled(marks, text, chosen, label, question.overlap));
    if (pending !== null) getSelection()?.removeAllRanges();
    pending = null;
  };

  const move = (by: number, grow: boolean): void => {
    const next = moved(cursor.value, by, words.length, grow);
    select(next, selected(next, words));
    if (next !== null && shownText !== null) reveal(shownText, words[next.head]);
  };

  const moveLine = (by: 1 | -1, grow: boolean): void => {
    const from = cursor.value?.head;
    if (from === undefined || shownText === null) return move(by, grow);
    move(onNextLine(shownText, words, from, by) - from, grow);
  };

  useKeys(props.active, (pressed) => {
    const grow = pressed.startsWith("Shift+");
    const key = grow ? pressed.slice("Shift+".length) : pressed;
    const label = /^[1-9]$/.test(key) ? question.labels[Number(key) - 1] : undefined;
    if (label !== undefined) apply(label.id);
    else if (key === "ArrowRight") move(forwards(1), grow);
    else if (key === "ArrowLeft") move(forwards(-1), grow);
    else if (key === "ArrowDown") moveLine(1, grow);
    else if (key === "ArrowUp") moveLine(-1, grow);
    else if (key === "Home") move(-words.length, false);
    else if (key === "End") move(words.length, false);
    else if (key === "Escape" && range !== null) select(null, null);
    else if (key === "Backspace" && range !== null) keep(unlabelled(marks, range));
    else return false;
    return true;
  });

  return (
    <div class="answers">
      {question.labels.map((label, at) => (
        <button
          key={label.id}
          type="button"
          class="answer"
          aria-keyshortcuts={at < MOST_DIGITS ? String(at + 1) : undefined}
          onMouseDown={keepFocus}
          onClick={() => apply(label.id)}
        >
          {at < MOST_DIGITS && <Key>{String(at + 1)}</Key>}
          <span class="label" dir="auto">
            <span class="name">{label.name}</span>
            {label.description !== "" && <span class="description">{label.description}</span>}
          </span>
          <span class={`swatch ${colour(question, label.id)}`} aria-hidden="true" />
        </button>
      ))}
      <p class="quiet">
        <Key>←</Key> <Key>→</Key> words · <Key>Shift</Key> grows · <Key>⌫</Key> removes
      </p>
      <p class="visually-hidden" aria-live="polite">
        {range === null ? "" : `Selected: ${text.slice(range.start, range.end)}`}
      </p>
      <MarkList
        question={question}
        text={text}
        marks={marks}
        onRemove={(mark) => keep(marks.filter((each) => each !== mark))}
      />
    </div>
  );
}

/** Right-to-left text is read, and walked, the other way. */
function forwards(by: number): number {
  return shownText !== null && getComputedStyle(shownText).direction === "rtl" ? -by : by;
}

interface MarkListProps {
  readonly question: SpansQuestion;
  readonly text: string;
  readonly marks: readonly Mark[];
  readonly onRemove: (mark: Mark) => void;
}

function MarkList({ question, text, marks, onRemove }: MarkListProps): JSX.Element {
  if (marks.length === 0) return <p class="quiet">Nothing is marked yet.</p>;
  return (
    <ul class="marks" aria-label="Marked">
      {marks.map((mark) => {
        const content = text.slice(mark.start, mark.end);
        const name = nameOf(question, mark.label);
        return (
          <li key={`${mark.start}-${mark.end}-${mark.label}`}>
            <span class={`swatch ${colour(question, mark.label)}`} aria-hidden="true" />
            <span class="label">
              <bdi class="name">{content}</bdi>
              <span class="description">{name}</span>
            </span>
            <button
              type="button"
              class="remove"
              aria-label={`Remove ${name}: ${content}`}
              onMouseDown={keepFocus}
              onClick={() => onRemove(mark)}
            >
              ×
            </button>
          </li>
        );
      })}
    </ul>
  );
}
