/** What stands in the middle while there is no item: why, and when the page asks again. */

import { useComputed, useSignal } from "@preact/signals";
import type { ComponentChildren, JSX } from "preact";
import { useEffect } from "preact/hooks";
import { useDesk } from "./context";
import type { Nothing } from "./leases";
import type { Progress } from "./wire";
import { counted } from "./words";

interface NothingProps {
  /** Where the project's pages are, for those who may see them. */
  readonly pages: string | null;
}

export function Nothing({ pages }: NothingProps): JSX.Element {
  const desk = useDesk();
  const nothing = desk.nothing.value;
  const progress = desk.progress.value;
  if (progress?.phase === "closed") return <Done progress={progress} pages={pages} />;
  if (desk.connection.value === "signed-out") return <SignedOut />;
  if (nothing.kind === "starting") return <Calm title="Getting your first items" busy />;
  if (nothing.kind === "unreachable") {
    return (
      <Calm title="The server cannot be reached">
        <p>Everything you answered is kept in this browser and is sent when it is back.</p>
        <Again nothing={nothing} />
      </Calm>
    );
  }
  if (nothing.kind === "failed") {
    return (
      <Calm title="That did not work">
        <p>{[nothing.why, nothing.hint].filter(Boolean).join(" ")}</p>
        <Again nothing={nothing} />
      </Calm>
    );
  }
  const working = progress !== null && progress.open === 0 && progress.paused === null;
  const learning = working && progress.phase === "learning";
  return (
    <Calm title={titleOf(working, learning)} busy={working}>
      <p>
        {progress?.paused ?? nothing.why ?? "Somebody else has what is left, or more is coming."}
      </p>
      {nothing.hint !== null && progress?.paused == null && <p class="quiet">{nothing.hint}</p>}
      {learning && <p>It learns from what you answered, then asks what helps it most.</p>}
      <Again nothing={nothing} />
    </Calm>
  );
}

/** A blind project does not say what the machine does, only that it does something. */
function titleOf(working: boolean, learning: boolean): string {
  if (learning) return "The machine is learning";
  return working ? "The machine is at work" : "Nothing for you right now";
}

interface CalmProps {
  readonly title: string;
  readonly busy?: boolean;
  readonly children?: ComponentChildren;
}

function Calm({ title, busy = false, children }: CalmProps): JSX.Element {
  return (
    <div class="nothing" role="status">
      {busy && <span class="breathing" aria-hidden="true" />}
      <h2>{title}</h2>
      {children}
    </div>
  );
}

/** When the page asks again. The seconds are not announced: they would never stop. */
function Again({ nothing }: { readonly nothing: Nothing }): JSX.Element | null {
  const now = useSignal(Date.now());
  useEffect(() => {
    const timer = setInterval(() => (now.value = Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  const left = useComputed(() =>
    Math.max(0, Math.ceil(((nothing.retryAt ?? now.value) - now.value) / 1000)),
  );
  if (nothing.retryAt === null) return null;
  return (
    <p class="quiet" aria-live="off">
      {left.value === 0 ? "Asking again…" : `Asking again in ${left.value} s`}
    </p>
  );
}

interface DoneProps extends NothingProps {
  readonly progress: Progress;
}

function Done({ progress, pages }: DoneProps): JSX.Element {
  const desk = useDesk();
  const waiting = desk.unsent.value.length;
  return (
    <div class="nothing done" role="status">
      <span class="seal" aria-hidden="true" />
      <h2>Done</h2>
      {progress.statement !== null && <p class="statement">{progress.statement}</p>}
      <p>
        {counted(progress.answered, "answer")} by people, {counted(progress.automatic, "item")}{" "}
        decided by the machine.
      </p>
      {waiting > 0 && <p>{counted(waiting, "answer")} still on the way: leave this page open.</p>}
      {pages !== null && (
        <p>
          <a href={pages}>See the certificate and the results</a>
        </p>
      )}
    </div>
  );
}

export function SignedOut(): JSX.Element {
  const waiting = useDesk().unsent.value.length;
  return (
    <Calm title="You are signed out">
      <p>
        {waiting > 0 &&
          `${counted(waiting, "answer")} kept in this browser, sent once you are back. `}
        Open the link printed in the terminal again, or sign in.
      </p>
      <p>
        <a href={location.pathname}>Reload this page</a>
      </p>
    </Calm>
  );
}
