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
import type { Me, ProjectBrief } from "./wire";

const RETRY_MS = 5_000;

async function start(root: HTMLElement): Promise<void> {
  const api = new Api(new URL("api/v1/", document.baseURI).href);
  try {
    const me = await api.me();
    const chosen = await chooseProject(api, me);
    if (typeof chosen !== "string") {
      render(<ChooseProject projects={chosen} />, root);
      addEventListener("hashchange", () => location.reload());
      return;
    }
    await open(api, me, chosen, root);
  } catch (error) {
    render(<CouldNotStart error={error} />, root);
    if (error instanceof Problem && error.status < 500) return;
    setTimeout(() => void start(root), RETRY_MS);
  }
}

/** The project's id, or the projects to choose from. */
async function chooseProject(api: Api, me: Me): Promise<string | readonly ProjectBrief[]> {
  const named = decodeURIComponent(location.hash.replace(/^#\/?/, ""));
  const ids = Object.keys(me.roles);
  if (ids.includes(named)) return named;
  const only = ids[0];
  if (ids.length === 1 && only !== undefined) return only;
  const projects = await api.projects();
  const first = projects[0];
  return projects.length === 1 && first !== undefined ? first.id : projects;
}

async function open(api: Api, me: Me, id: string, root: HTMLElement): Promise<void> {
  const [project, kept] = await Promise.all([api.project(id), openStore().catch(() => null)]);
  document.title = `${project.name} · signoff`;
  const desk = new Desk({ ...worldOf(api), store: kept ?? memoryStore(), alone }, project, me.name);
  effect(() => preloadItems(desk.held.value.map((each) => each.item)));
  followPage(desk, api, kept === null);
  const started = desk.start();
  // The question's form is there before its first item, so that the first key finds it.
  await preload(project);
  root.replaceChildren();
  const overseen = me.roles[id] !== "reviewer";
  render(<App desk={desk} pages={overseen ? `projects/${encodeURIComponent(id)}` : null} />, root);
  await started;
}

const root = document.getElementById("page");
if (root !== null) void start(root);
