/** The bottom bar: how far the project is, what it can promise, and whether all is saved. */

import type { JSX } from "preact";
import { useAfterItem, useDesk } from "./context";
import type { Connection } from "./desk";
import type { Progress } from "./wire";
import { count, counted, forecast, isPromise, promise } from "./words";

export function Bar(): JSX.Element {
  const desk = useDesk();
  const progress = useAfterItem(desk.progress);
  const mine = useAfterItem(desk.mine);
  return (
    <>
      {progress !== null && <Share progress={progress} mine={mine} />}
      <div class="counts">{progress !== null && <Counts progress={progress} mine={mine} />}</div>
      <p class="promise">
        {progress !== null && (
          <span class={isPromise(progress) ? "statement" : "statement general"}>
            {promise(progress)}
          </span>
        )}
        {progress !== null && <span class="forecast">{forecast(progress)}</span>}
      </p>
      <p class="connection">
        <Unsaved />
        <Line connection={desk.connection.value} />
      </p>
    </>
  );
}

interface ShareProps {
  readonly progress: Progress;
  readonly mine: number;
}

function Counts({ progress, mine }: ShareProps): JSX.Element {
  const team = Math.max(progress.answered, mine);
  return (
    <dl>
      <Count name="mine" value={mine} />
      <Count name="team" value={team} />
      <Count name="automatic" value={progress.automatic} />
      <Count name="items" value={progress.items} />
    </dl>
  );
}

function Count({ name, value }: { readonly name: string; readonly value: number }): JSX.Element {
  return (
    <div class={`count ${name}`}>
      <dd>{count(value)}</dd>
      <dt>{name}</dt>
    </div>
  );
}

/** A thin line: mine, the others', the machine's; the figures below say the same. */
function Share({ progress, mine }: ShareProps): JSX.Element {
  const all = Math.max(1, progress.items);
  const widths = [mine, Math.max(0, progress.answered - mine), progress.automatic];
  return (
    <div class="share" aria-hidden="true">
      {widths.map((each, at) => (
        <span key={at} style={{ width: `${Math.min(100, (100 * each) / all)}%` }} />
      ))}
    </div>
  );
}

/** Appears when answers stay unsaved for a moment: under way is not worth a word. */
function Unsaved(): JSX.Element | null {
  const desk = useDesk();
  const unsaved = useAfterItem(desk.unsent).length;
  const late = desk.connection.value !== "online";
  if (unsaved === 0) return null;
  return (
    <span
      class={late ? "unsaved now" : "unsaved"}
      title="Kept in this browser until the server has them"
    >
      {count(unsaved)} unsaved
    </span>
  );
}

const LINES: Readonly<Record<Connection, string>> = {
  online: "online",
  offline: "offline",
  "signed-out": "signed out",
};

function Line({ connection }: { readonly connection: Connection }): JSX.Element {
  return (
    <span class={`line ${connection}`}>
      <span class="dot" aria-hidden="true" />
      {LINES[connection]}
      {connection === "offline" && <span class="comfort">go on, all is kept</span>}
    </span>
  );
}

/** Answers the server refused, each with its reason, until a person has seen them. */
export function Refused(): JSX.Element | null {
  const desk = useDesk();
  const refused = desk.refused.value;
  if (refused.length === 0) return null;
  return (
    <details class="refused">
      <summary>{counted(refused.length, "answer was", "answers were")} not taken</summary>
      <ul>
        {refused.map((each) => (
          <li key={each.id}>
            <q dir="auto">{beginning(each.shown)}</q>: {each.refused}{" "}
            <button type="button" class="action" onClick={() => desk.dismiss(each.id)}>
              Understood
            </button>
          </li>
        ))}
      </ul>
    </details>
  );
}

function beginning(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60).trimEnd()}…` : text;
}
