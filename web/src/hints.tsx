/** What the machine says of an item, and decided items that are like it. Loads when a project shows it. */

import "./styles/hints.css";
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { spoken, spokenAll } from "./answers";
import { useDesk } from "./context";
import { ItemView } from "./items/views";
import { Key } from "./parts";
import type { Hint, Hinted, MachineSays, Project, Question, Word } from "./wire";

export function HintView({ hint }: { readonly hint: Hint }): JSX.Element {
  const { project } = useDesk();
  const { questions } = project;
  const said = questions.flatMap((each) => {
    const one = hint.machine[each.name];
    return one === undefined ? [] : [{ question: each, one }];
  });
  return (
    <div class="machine">
      {said.map(({ question, one }) => (
        <Said key={question.name} question={question} said={one} alone={questions.length === 1} />
      ))}
      {hint.alike.length > 0 && <AlikeList hint={hint} project={project} />}
    </div>
  );
}

interface SaidProps {
  readonly question: Question;
  readonly said: MachineSays;
  readonly alone: boolean;
}

function Said({ question, said, alone }: SaidProps): JSX.Element {
  const { confidence } = said;
  return (
    <div class="said">
      {!alone && (
        <p class="quiet" dir="auto">
          {question.text}
        </p>
      )}
      <p>
        <bdi class="name">{spoken(question, said.answer)}</bdi>
        {confidence !== null && <span class="quiet"> {Math.round(100 * confidence)} % sure</span>}
      </p>
      <Words title="Because of" words={said.words.filter((each) => each.weight > 0)} />
      <Words title="In spite of" words={said.words.filter((each) => each.weight < 0)} />
    </div>
  );
}

interface WordsProps {
  readonly title: string;
  readonly words: readonly Word[];
}

function Words({ title, words }: WordsProps): JSX.Element | null {
  if (words.length === 0) return null;
  return (
    <p class="told">
      <span class="quiet">{title}</span>
      {words.map(({ word }) => (
        <bdi key={word}>{word}</bdi>
      ))}
    </p>
  );
}

interface AlikeProps {
  readonly hint: Hint;
  readonly project: Project;
}

/** Where items are covered, these are too, until somebody asks to see them. */
function AlikeList({ hint, project }: AlikeProps): JSX.Element {
  return (
    <details class="alike" open={!project.blur}>
      <summary>Decided before, and alike</summary>
      <ol>
        {hint.alike.map(({ item, answers }) => (
          <li key={item.key}>
            <bdi class="name">{spokenAll(project.questions, answers)}</bdi>
            <div class="short-item">
              <ItemView item={item} direction={project.text_direction} />
            </div>
          </li>
        ))}
      </ol>
    </details>
  );
}

interface HintDialogProps {
  readonly request: string;
  readonly text: string;
  readonly onClose: () => void;
}

/** What the machine said of an item that I answered, over the page. */
export function HintDialog({ request, text, onClose }: HintDialogProps): JSX.Element {
  const desk = useDesk();
  const dialog = useRef<HTMLDialogElement>(null);
  const found = useSignal<Hinted | null>(null);
  useEffect(() => {
    let here = true;
    dialog.current?.showModal();
    void desk.hint(request).then((hinted) => here && (found.value = hinted));
    return () => void (here = false);
  }, [request]);
  const hint = found.value?.hint ?? null;
  return (
    <dialog ref={dialog} class="help" aria-labelledby="hint-title" onClose={onClose}>
      <form method="dialog">
        <h2 id="hint-title">What the machine said</h2>
        <button class="action" autofocus>
          <Key>Esc</Key>
          <span class="label">Close</span>
        </button>
      </form>
      <p dir="auto" class="quiet">
        {text}
      </p>
      {hint === null ? <p role="status">{found.value?.why}</p> : <HintView hint={hint} />}
    </dialog>
  );
}
