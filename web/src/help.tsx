/** Every key, in a dialog; and one line of them on the first visit. */

import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { cannotSayKey, MOST_DIGITS, revealKey, titleOf } from "./answers";
import { useDesk } from "./context";
import { isOneKey } from "./scale";
import { Key } from "./parts";
import type { Project, Question } from "./wire";

interface HelpProps {
  readonly project: Project;
  readonly onClose: () => void;
}

export function Help({ project, onClose }: HelpProps): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  const pictured = useDesk().current.value?.item.kind === "image";
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} class="help" aria-labelledby="help-title" onClose={onClose}>
      <form method="dialog">
        <h2 id="help-title">Keys</h2>
        <button class="action" autofocus>
          <Key>Esc</Key>
          <span class="label">Close</span>
        </button>
      </form>
      {project.questions.map((question) => (
        <section key={question.name}>
          {project.questions.length > 1 && <h3 dir="auto">{titleOf(question)}</h3>}
          <KeyTable rows={keysOf(question)} />
        </section>
      ))}
      <section>
        <h3>Always</h3>
        <KeyTable rows={[...(pictured ? [ENLARGE] : []), ...always(project)]} />
      </section>
      <p class="quiet">
        Keys rest while you type in a field; <Key>Esc</Key> leaves it. No key destroys work:
        whatever you decide can be undone until an audit has sealed it.
      </p>
    </dialog>
  );
}

type Row = readonly [string, string];
const ENLARGE: Row = ["Z", "enlarge the picture, or fit it again"];

function KeyTable({ rows }: { readonly rows: readonly Row[] }): JSX.Element {
  return (
    <dl class="keys">
      {rows.map(([keys, what]) => (
        <div key={keys}>
          <dt>
            {keys.split(" ").map((each) => (
              <kbd key={each} class="key">
                {each}
              </kbd>
            ))}
          </dt>
          <dd>{what}</dd>
        </div>
      ))}
    </dl>
  );
}

function keysOf(question: Question): readonly Row[] {
  const unsure: Row = [cannotSayKey(question), "cannot say"];
  switch (question.kind) {
    case "choice":
      if (question.labels.length > MOST_DIGITS) {
        return [["/", "find a label by typing"], ["↑ ↓ ↵", "choose from the list"], unsure];
      }
      return [[`1 … ${question.labels.length}`, "answer, and on to the next item"], unsure];
    case "multichoice":
      return [["1 … 9", "choose or unchoose"], ["↵", "submit"], unsure];
    case "rating":
      return isOneKey(question)
        ? [["0 … 9", "rate, and on to the next item"], ["← →", "choose"], ["↵", "submit"], unsure]
        : [["0 … 9", "type the number"], ["← →", "one step"], ["↵", "submit"], unsure];
    case "text":
      return [["E", "edit"], ["Ctrl ↵", "submit while editing"], ["↵", "submit"], unsure];
    case "spans":
      return [
        ["← → ↑ ↓", "move over the words"],
        ["Shift ← →", "select more words"],
        ["1 … 9", "label them"],
        ["⌫", "remove a label"],
        ["↵", "submit"],
        unsure,
      ];
    case "pairwise":
      return [["A B", "that one is better"], ["T", "equally good"], ["X", "both bad"], unsure];
  }
}

function always({ questions, blur }: Project): readonly Row[] {
  const rows: Row[] = [
    ["S", "skip: it comes back later"],
    ["U", "undo the last decision"],
    ["F", "flag: something is wrong with this item"],
    ["C", "comments: read them, and say something"],
    ["P", "pass on: not for you, somebody else gets it"],
    ["Space", "scroll a long item"],
    ["?", "this list"],
  ];
  if (questions.length > 1) rows.unshift(["↑ ↓", "another question"], ["↵", "submit"]);
  if (blur) rows.unshift([revealKey(questions).toUpperCase(), "show or cover the item"]);
  return rows;
}

const SEEN = "signoff.hint";

/** One line on the first visit; gone for good once read. */
export function Hint(): JSX.Element | null {
  const seen = useSignal(wasSeen());
  if (seen.value) return null;
  return (
    <p class="hint">
      <span>
        The keys on the buttons are faster than the mouse. <Key>U</Key> undoes, <Key>?</Key> lists
        them all.
      </span>
      <button
        type="button"
        class="action"
        onClick={() => {
          seen.value = true;
          try {
            localStorage.setItem(SEEN, "1");
          } catch {
            // The browser forbids storage: the hint comes again.
          }
        }}
      >
        <span class="label">Got it</span>
      </button>
    </p>
  );
}

function wasSeen(): boolean {
  try {
    return localStorage.getItem(SEEN) === "1";
  } catch {
    return false;
  }
}
