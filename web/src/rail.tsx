/** The left side: what waits for me, and what I decided lately. */

import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { spokenAll } from "./answers";
import { useAfterItem, useDesk } from "./context";
import { HintDialog } from "./forms/kinds";
import type { Past, PastState } from "./past";
import { keepFocus } from "./parts";
import { ThreadDialog } from "./thread";
import { count, when } from "./words";

const STATES: Readonly<Record<PastState, string>> = {
  saved: "",
  unsaved: "not saved yet",
  extra: "kept beside an earlier answer",
  differs: "an earlier answer stands",
  refused: "not taken by the server",
};

interface RailProps {
  /** On small screens it lies over the page while open; on large ones it is always there. */
  readonly open: boolean;
  readonly pages: string | null;
  readonly onClose: () => void;
}

export function Rail({ open: lies, pages, onClose }: RailProps): JSX.Element {
  const desk = useDesk();
  const close = useRef<HTMLButtonElement>(null);
  useLayoutEffect(() => {
    if (lies) close.current?.focus();
  }, [lies]);
  const held = useAfterItem(desk.held).length;
  const open = useAfterItem(desk.progress)?.open ?? 0;
  return (
    <>
      <header class="brand">
        <span class="mark-name">signoff</span>
        <p class="project" dir="auto">
          {desk.project.name}
        </p>
        {pages !== null && (
          <a class="quiet" href={pages}>
            Overview, items, people
          </a>
        )}
        <button ref={close} type="button" class="close" onClick={onClose}>
          Close
        </button>
      </header>
      <h2>My queue</h2>
      <p class="waiting">
        <strong>{count(Math.max(held, open))}</strong> waiting
        {held > 0 && <span class="quiet">{count(held)} of them here already</span>}
      </p>
      <h2 id="past-title">My last decisions</h2>
      <PastList onReopen={onClose} />
    </>
  );
}

function PastList({ onReopen }: { readonly onReopen: () => void }): JSX.Element {
  const past = useAfterItem(useDesk().past);
  // A decision drawn once is not compared again, only moved.
  const drawn = useRef(new WeakMap<Past, JSX.Element>()).current;
  const draw = (each: Past): JSX.Element => {
    const known = drawn.get(each);
    if (known !== undefined) return known;
    const entry = (
      <li key={each.id}>
        <PastEntry entry={each} onReopen={onReopen} />
      </li>
    );
    drawn.set(each, entry);
    return entry;
  };
  if (past.length === 0) return <p class="quiet">They appear here; click one to reopen it.</p>;
  return (
    <ol class="past" aria-labelledby="past-title">
      {past.map(draw)}
    </ol>
  );
}

interface PastEntryProps {
  readonly entry: Past;
  readonly onReopen: () => void;
}

function PastEntry({ entry, onReopen }: PastEntryProps): JSX.Element {
  const desk = useDesk();
  const state = STATES[entry.state];
  const answer = spokenAll(desk.project.questions, entry.answers) || "(erased)";
  const content = (
    <>
      <span class="decided">
        <bdi class="name">{answer}</bdi>
        <time dateTime={new Date(entry.at).toISOString()}>{when(entry.at, Date.now())}</time>
      </span>
      <span class="text" dir="auto">
        {entry.text}
      </span>
      {state !== "" && <span class="state">{state}</span>}
    </>
  );
  const words = <LookBack entry={entry} />;
  if (!entry.undoable) {
    return (
      <>
        <div class="entry settled">{content}</div>
        {words}
      </>
    );
  }
  return (
    <>
      <button
        type="button"
        class="entry"
        title="Reopen"
        onMouseDown={keepFocus}
        onClick={() => {
          onReopen();
          void desk.undo(entry.id);
        }}
      >
        {content}
      </button>
      {words}
    </>
  );
}

/** Opens what was said of an item that I answered: by people, and by the machine. */
function LookBack({ entry }: { readonly entry: Past }): JSX.Element | null {
  const desk = useDesk();
  const open = useSignal<"words" | "hint" | null>(null);
  if (entry.state === "unsaved" || entry.state === "refused") return null;
  const close = (): void => void (open.value = null);
  return (
    <>
      <button
        type="button"
        class="words-button"
        title={desk.project.blind ? "Reading what others said closes undo" : undefined}
        onClick={() => void (open.value = "words")}
      >
        Comments
      </button>
      {desk.looksBack && (
        <button type="button" class="words-button" onClick={() => void (open.value = "hint")}>
          Machine
        </button>
      )}
      {open.value === "words" && (
        <ThreadDialog request={entry.request} text={entry.text} onClose={close} />
      )}
      {open.value === "hint" && (
        <HintDialog request={entry.request} text={entry.text} onClose={close} />
      )}
    </>
  );
}
