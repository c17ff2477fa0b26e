/** Starts the page: who am I, which project, then the desk. */

import "./styles/index.css";
import { render } from "preact";
import { Api, Problem } from "./api";
import { App } from "./app";
import { effect } from "@preact/signals";
import { alone, followPage, worldOf } from "./browser";
import { Desk } from "./desk";
import { preload, preloadItems } from "./forms/kinds";
import { memoryStore, openStore } from "./store";
import { ChooseProject, CouldNotStart } from "./start";
import type { SendingStore } from "./outbox";
import { FEWEST_AHEAD } from "./queue";
import type { Begun, Project } from "./wire";

const RETRY_MS = 5_000;

async function start(root: HTMLElement): Promise<void> {
  const api = new Api(new URL("api/v1/", document.baseURI).href);
  try {
    const kept = await openStore().catch(() => null);
    // Answers of an earlier visit leave before anything is leased: nobody is asked those again.
    const unsent = kept === null ? 0 : (await kept.all()).length;
    const named = decodeURIComponent(location.hash.replace(/^#\/?/, "")) || null;
    const begun = await api.begin(named, unsent > 0 ? 0 : FEWEST_AHEAD);
    if (begun.project === null) {
      render(<ChooseProject projects={begun.projects} />, root);
      addEventListener("hashchange", () => location.reload());
      return;
    }
    await open(api, begun, begun.project, kept, root);
  } catch (error) {
    render(<CouldNotStart error={error} />, root);
    if (error instanceof Problem && error.status < 500) return;
    setTimeout(() => void start(root), RETRY_MS);
  }
}

async function open(
  api: Api,
  begun: Begun & { readonly skew: number },
  project: Project,
  kept: SendingStore | null,
  root: HTMLElement,
): Promise<void> {
  const { me } = begun;
  document.title = `${project.name} · signoff`;
  const desk = new Desk({ ...worldOf(api), store: kept ?? memoryStore(), alone }, project, me.name);
  effect(() => preloadItems(desk.held.value.map((each) => each.item)));
  followPage(desk, api, kept === null);
  const started = desk.start(begun);
  // The question's form is there before its first item, so that the first key finds it.
  await preload(project);
  root.replaceChildren();
  const overseen = me.roles[project.id] !== "reviewer";
  const pages = overseen ? `projects/${encodeURIComponent(project.id)}` : null;
  render(<App desk={desk} pages={pages} />, root);
  await started;
}

const root = document.getElementById("page");
if (root !== null) void start(root);
