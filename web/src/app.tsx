/** The page: rail, item, form and bar around one desk, and the keys that work everywhere. */

import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useContext, useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { revealKey } from "./answers";
import { Bar, Refused } from "./bar";
import { DeskContext, KeysContext, useDesk, useKeys } from "./context";
import type { Desk } from "./desk";
import type { Draft } from "./drafts";
import { AnswerForm } from "./forms/form";
import { MarkedText, Pair } from "./forms/kinds";
import { Help, Hint } from "./help";
import { ItemView } from "./items/views";
import { stroke } from "./keys";
import { Nothing, SignedOut } from "./nothing";
import { Key, keepFocus } from "./parts";
import { Rail } from "./rail";
import type { Project, Request } from "./wire";

interface AppProps {
  readonly desk: Desk;
  /** Where the project's pages are, for those who may see them. */
  readonly pages: string | null;
}

export function App({ desk, pages }: AppProps): JSX.Element {
  return (
    <DeskContext.Provider value={desk}>
      <Page pages={pages} />
    </DeskContext.Provider>
  );
}

function Page({ pages }: { readonly pages: string | null }): JSX.Element {
  const desk = useDesk();
  const helping = useSignal(false);
  const railOpen = useSignal(false);
  // A closed project takes no answers: whatever is still held here is decided.
  const request = desk.closed.value ? null : desk.current.value;
  const draft = desk.draft.value;
  const covers = useCover(desk.project, request);

  useDocumentKeys(helping.value);
  useKeys(
    true,
    (key) => {
      if (key === "?") helping.value = true;
      else if (key === "u") void desk.undo();
      else if (key === "Escape" && railOpen.value) railOpen.value = false;
      else return false;
      return true;
    },
    "page",
  );

  return (
    <div class="page">
      {request !== null && (
        <a class="skip-link" href="#form">
          To the answers
        </a>
      )}
      <aside class={railOpen.value ? "rail open" : "rail"} aria-label="My queue and decisions">
        <Rail open={railOpen.value} pages={pages} onClose={() => void (railOpen.value = false)} />
      </aside>
      <main>
        <h1 class="visually-hidden">{desk.project.name}</h1>
        <button
          type="button"
          class="rail-button"
          aria-expanded={railOpen.value}
          onClick={() => void (railOpen.value = true)}
        >
          <span class="mark-name">signoff</span> <span dir="auto">{desk.project.name}</span>
        </button>
        <Notices />
        {request === null || draft === null ? (
          <Nothing pages={pages} />
        ) : (
          <>
            <Centre
              request={request}
              draft={draft}
              covered={covers.covered}
              onShow={covers.toggle}
            />
            <section id="form" class="form" aria-label="Your answer" tabIndex={-1}>
              <AnswerForm
                request={request}
                draft={draft}
                covered={covers.covered}
                onHelp={() => void (helping.value = true)}
              />
            </section>
          </>
        )}
      </main>
      <footer class="bar">
        <Bar />
      </footer>
      <p class="visually-hidden" aria-live="polite">
        {request === null ? "" : `New item: ${request.item.text.slice(0, 1000)}`}
      </p>
      {helping.value && (
        <Help project={desk.project} onClose={() => void (helping.value = false)} />
      )}
    </div>
  );
}

/** One listener for the whole page; a dialog keeps its keys to itself. */
function useDocumentKeys(off: boolean): void {
  const ring = useContext(KeysContext);
  // With the first paint: who sees an item may press a key.
  useLayoutEffect(() => {
    if (off) return undefined;
    const onKeyDown = (event: KeyboardEvent): void => {
      const key = stroke(event);
      if (key !== null && !event.defaultPrevented && ring.press(key)) event.preventDefault();
    };
    document.addEventListener("keydown", onKeyDown);
    return () => document.removeEventListener("keydown", onKeyDown);
  }, [off, ring]);
}

/** Long enough to read a line; what needs care stays until the next decision. */
const NOTICE_MS = 5_000;

function Notices(): JSX.Element {
  const desk = useDesk();
  const notice = desk.notice.value;
  useEffect(() => {
    if (notice?.tone !== "calm") return undefined;
    const timer = setTimeout(() => (desk.notice.value = null), NOTICE_MS);
    return () => clearTimeout(timer);
  }, [notice]);
  const out = desk.connection.value === "signed-out" && desk.current.value !== null;
  return (
    <div class="notices">
      {out && <SignedOut />}
      <Refused />
      <p class={`notice ${notice?.tone ?? "calm"}`} role="status">
        {notice?.text}
      </p>
      {desk.current.value !== null && !desk.closed.value && <Hint />}
    </div>
  );
}

// ---------------------------------------------------------------------------------- the item

interface CentreProps {
  readonly request: Request;
  readonly draft: Draft;
  readonly covered: boolean;
  readonly onShow: () => void;
}

function Centre({ request, draft, covered, onShow }: CentreProps): JSX.Element {
  const { project } = useDesk();
  const area = useRef<HTMLElement>(null);
  const scrolled = useRef(false);
  useLayoutEffect(() => {
    // Asking an item that nobody scrolled for its place would make the browser lay the page out.
    if (scrolled.current) area.current?.scrollTo({ top: 0 });
    scrolled.current = false;
  }, [request.id]);
  useKeys(
    true,
    (key) => {
      const pages = PAGES[key];
      if (pages === undefined || area.current === null) return false;
      area.current.scrollBy({ top: pages * area.current.clientHeight });
      return true;
    },
    "page",
  );
  return (
    <article
      ref={area}
      class="item"
      aria-label="Item"
      tabIndex={0}
      onScroll={() => (scrolled.current = true)}
    >
      <h2 class="visually-hidden">Item</h2>
      <div class={covered ? "sheet covered" : "sheet"} inert={covered}>
        <Shown request={request} draft={draft} project={project} />
      </div>
      {covered && (
        <button type="button" class="submit ready show" onMouseDown={keepFocus} onClick={onShow}>
          <Key>{revealKey(project.questions).toUpperCase()}</Key>
          <span class="label">Show the item</span>
        </button>
      )}
    </article>
  );
}

/** Screens to scroll by: the item scrolls, not the page, and need not have the focus for it. */
const PAGES: Readonly<Record<string, number>> = {
  " ": 0.85,
  PageDown: 0.85,
  PageUp: -0.85,
  ArrowDown: 0.15,
  ArrowUp: -0.15,
};

interface ShownProps {
  readonly request: Request;
  readonly draft: Draft;
  readonly project: Project;
}

/** Some questions show the item in a way of their own. */
function Shown({ request, draft, project }: ShownProps): JSX.Element {
  const { item } = request;
  const direction = project.text_direction;
  const active = project.questions[draft.active];
  const asked = active ? [active, ...project.questions] : project.questions;
  const spans = asked.find((each) => each.kind === "spans");
  if (spans !== undefined) {
    const answer = draft.answers[spans.name] ?? null;
    return (
      <MarkedText
        question={spans}
        item={item}
        request={request.id}
        answer={answer}
        direction={direction}
      />
    );
  }
  const pair = asked.find((each) => each.kind === "pairwise");
  if (pair !== undefined) return <Pair question={pair} item={item} direction={direction} />;
  return <ItemView item={item} direction={direction} />;
}

/** Whether the item is covered, and the key that shows it. Every item comes covered anew. */
function useCover(
  project: Project,
  request: Request | null,
): { readonly covered: boolean; readonly toggle: () => void } {
  const shown = useSignal<string | null>(null);
  const covered = project.blur && request !== null && shown.value !== request.id;
  const toggle = (): void => {
    shown.value = covered ? (request?.id ?? null) : null;
  };
  useKeys(
    project.blur,
    (key) => {
      if (key !== revealKey(project.questions)) return false;
      toggle();
      return true;
    },
    "page",
  );
  return { covered, toggle };
}
