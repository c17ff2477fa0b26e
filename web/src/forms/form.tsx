/** The form beside the item: its questions, and what else a person can do with it. */

import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useId, useLayoutEffect, useRef } from "preact/hooks";
import { cannotSayKey, missing, otherFields, titleOf } from "../answers";
import { useDesk, useKeys } from "../context";
import type { Desk } from "../desk";
import type { Draft } from "../drafts";
import { Fields, Markdown } from "../items/views";
import { Action, Key, keepFocus } from "../parts";
import type { Answer, Question, Request } from "../wire";
import { Thread } from "../thread";
import { Form, HintView, decidesAtOnce } from "./kinds";

/** What somebody writes beside the answer. */
type Box = "note" | "flag" | "pass";

interface AnswerFormProps {
  readonly request: Request;
  readonly draft: Draft;
  /** The item is blurred: nobody answers what they have not seen. */
  readonly covered: boolean;
  readonly onHelp: () => void;
}

export function AnswerForm({ request, draft, covered, onHelp }: AnswerFormProps): JSX.Element {
  const desk = useDesk();
  const { questions } = desk.project;
  const opened = useSignal<{ readonly what: Box; readonly on: string } | null>(null);
  const why = useSignal("");
  // A box belongs to its item: the next one begins without.
  const writing = opened.value?.on === request.id ? opened.value.what : null;
  const write = (what: Box | null): void => {
    opened.value = what === null ? null : { what, on: request.id };
  };
  const needsSubmit = questions.length > 1 || questions.some((each) => !decidesAtOnce(each));

  useKeys(
    true,
    (key) => {
      const active = questions[draft.active];
      if (key === "s") desk.skip();
      else if (key === "f") write("flag");
      else if (key === "c") write("note");
      else if (key === "p") write("pass");
      else if (covered) return false;
      else if (active !== undefined && key === cannotSayKey(active)) desk.cannotSay(active.name);
      else if (key === "Enter" && needsSubmit) desk.submit();
      else if (key === "ArrowDown" && questions.length > 1) step(desk, draft, 1);
      else if (key === "ArrowUp" && questions.length > 1) step(desk, draft, -1);
      else return false;
      return true;
    },
    "form",
  );

  return (
    <>
      <div class="form-body">
        {questions.map((question, at) => (
          <QuestionForm
            key={question.name}
            question={question}
            request={request}
            draft={draft}
            active={!covered && at === draft.active}
            alone={questions.length === 1}
            onActivate={() => desk.activate(at)}
          />
        ))}
        {/* Nobody is told of an item that they have not seen. */}
        {request.hint && !covered && (
          <details open>
            <summary>What the machine says</summary>
            <HintView hint={request.hint} />
          </details>
        )}
        <Beside request={request} />
      </div>
      <div class="form-foot">
        {writing === "note" && (
          <>
            <Thread request={request.id} />
            <Writing
              label="Comment for whoever looks after the project"
              value={draft.note}
              done="Send"
              onInput={(note) => desk.setNote(note)}
              onDone={() => desk.sendComment()}
              onLeave={() => write(null)}
            />
          </>
        )}
        {writing === "pass" && (
          <Writing
            label="Why is this one not for you?"
            value={why.value}
            done="Pass on"
            onInput={(text) => void (why.value = text)}
            onDone={() => {
              desk.skip(why.value);
              why.value = "";
              write(null);
            }}
            onLeave={() => write(null)}
          />
        )}
        {writing === "flag" && (
          <Writing
            label="What is wrong with this item?"
            value={draft.flag}
            done="Send flag"
            onInput={(flag) => desk.setFlag(flag)}
            onDone={() => {
              desk.sendFlag();
              write(null);
            }}
            onLeave={() => write(null)}
          />
        )}
        {needsSubmit && <Submit desk={desk} draft={draft} disabled={covered} />}
        <div class="actions">
          <Action keys="S" onClick={() => desk.skip()}>
            Skip
          </Action>
          <Action
            keys="P"
            expanded={writing === "pass"}
            onClick={() => write(writing === "pass" ? null : "pass")}
          >
            Pass on
          </Action>
          <Action keys="U" onClick={() => void desk.undo()}>
            Undo
          </Action>
          <Action
            keys="F"
            expanded={writing === "flag"}
            onClick={() => write(writing === "flag" ? null : "flag")}
          >
            {draft.flagged ? "Flagged" : "Flag"}
          </Action>
          <Action
            keys="C"
            expanded={writing === "note"}
            onClick={() => write(writing === "note" ? null : "note")}
          >
            {draft.note.trim() === "" ? "Comment" : "Noted"}
          </Action>
          <Action keys="?" onClick={onHelp}>
            Keys
          </Action>
        </div>
      </div>
    </>
  );
}

function step(desk: Desk, draft: Draft, by: number): void {
  const last = desk.project.questions.length - 1;
  desk.activate(Math.min(last, Math.max(0, draft.active + by)));
}

interface QuestionFormProps {
  readonly question: Question;
  readonly request: Request;
  readonly draft: Draft;
  readonly active: boolean;
  readonly alone: boolean;
  readonly onActivate: () => void;
}

function QuestionForm(props: QuestionFormProps): JSX.Element {
  const desk = useDesk();
  const { question, request, draft } = props;
  const answer = draft.answers[question.name] ?? null;
  const previous = draft.previous?.[question.name] ?? null;
  const id = useId();
  const group = useRef<HTMLDivElement>(null);
  const leads = props.active && !props.alone;
  useEffect(() => {
    if (leads) group.current?.scrollIntoView({ block: "nearest" });
  }, [leads]);
  return (
    <div
      ref={group}
      role="group"
      aria-labelledby={id}
      class={leads ? "question active" : "question"}
      onFocusCapture={props.onActivate}
      onMouseDownCapture={props.onActivate}
    >
      <h2 id={id} dir="auto">
        {titleOf(question)}
      </h2>
      <Form
        question={question}
        item={request.item}
        request={request.id}
        answer={answer}
        previous={previous}
        active={props.active}
        onChange={(next) => desk.set(question.name, next)}
        onDecide={(next) => desk.decide(question.name, next)}
        onSubmit={() => desk.submit()}
      />
      <CannotSay
        question={question}
        answer={answer}
        previous={previous}
        onClick={() => desk.cannotSay(question.name)}
      />
      {question.guideline && <Guideline title="About this question" source={question.guideline} />}
    </div>
  );
}

interface CannotSayProps {
  readonly question: Question;
  readonly answer: Answer | null;
  readonly previous: Answer | null;
  readonly onClick: () => void;
}

function CannotSay({ question, answer, previous, onClick }: CannotSayProps): JSX.Element {
  const key = cannotSayKey(question);
  return (
    <button
      type="button"
      class="answer unsure"
      aria-keyshortcuts={key}
      aria-pressed={isCannotSay(answer)}
      onMouseDown={keepFocus}
      onClick={onClick}
    >
      <Key>{key}</Key>
      <span class="label">
        <span class="name">Cannot say</span>
        {isCannotSay(previous) && <span class="before">your answer before</span>}
      </span>
    </button>
  );
}

function isCannotSay(answer: Answer | null): boolean {
  return answer !== null && "cannot_say" in answer;
}

interface SubmitProps {
  readonly desk: Desk;
  readonly draft: Draft;
  readonly disabled: boolean;
}

function Submit({ desk, draft, disabled }: SubmitProps): JSX.Element {
  const ready = desk.project.questions.every(
    (each) => missing(each, draft.answers[each.name] ?? null) === null,
  );
  return (
    <Action
      keys="↵"
      class={ready ? "submit ready" : "submit"}
      disabled={disabled}
      onClick={() => desk.submit()}
    >
      Submit
    </Action>
  );
}

interface WritingProps {
  readonly label: string;
  readonly value: string;
  readonly done: string;
  readonly onInput: (text: string) => void;
  readonly onDone: () => void;
  readonly onLeave: () => void;
}

/** A small field to write in; Ctrl+Enter is done, Esc leaves it as it is. */
function Writing(props: WritingProps): JSX.Element {
  const id = useId();
  const area = useRef<HTMLTextAreaElement>(null);
  // Before paint: the next key pressed is already part of the text.
  useLayoutEffect(() => area.current?.focus(), []);
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.isComposing) return;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) props.onDone();
    else if (event.key === "Escape") props.onLeave();
    else return;
    event.preventDefault();
  };
  return (
    <div class="writing-box">
      <label class="field-name" for={id}>
        {props.label}
      </label>
      <textarea
        ref={area}
        id={id}
        class="field"
        dir="auto"
        rows={3}
        maxLength={10_000}
        value={props.value}
        onInput={(event) => props.onInput(event.currentTarget.value)}
        onKeyDown={onKeyDown}
      />
      <div class="actions">
        <Action keys="Ctrl ↵" onClick={props.onDone}>
          {props.done}
        </Action>
        <Action keys="Esc" onClick={props.onLeave}>
          Close
        </Action>
      </div>
    </div>
  );
}

/** What helps to answer: the guideline, and the item's other fields. */
function Beside({ request }: { readonly request: Request }): JSX.Element | null {
  const { guideline, questions } = useDesk().project;
  const fields = request.item.kind === "fields" ? [] : otherFields(questions, request.item);
  return (
    <div class="beside">
      {fields.length > 0 && (
        <details open>
          <summary>More about this item</summary>
          <Fields fields={fields} />
        </details>
      )}
      {guideline !== "" && <Guideline title="Guideline" source={guideline} />}
    </div>
  );
}

interface GuidelineProps {
  readonly title: string;
  readonly source: string;
}

const CLOSED = "signoff.closed";

/** Open until somebody closes it; the browser remembers. */
function Guideline({ title, source }: GuidelineProps): JSX.Element {
  const closed = useSignal(remembered(title));
  return (
    <details
      open={!closed.value}
      onToggle={(event) => {
        closed.value = !event.currentTarget.open;
        try {
          localStorage.setItem(`${CLOSED}.${title}`, closed.value ? "1" : "");
        } catch {
          // The browser forbids storage: it is open again next time.
        }
      }}
    >
      <summary>{title}</summary>
      <Markdown source={source} />
    </details>
  );
}

function remembered(title: string): boolean {
  try {
    return localStorage.getItem(`${CLOSED}.${title}`) === "1";
  } catch {
    return false;
  }
}
