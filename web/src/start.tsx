/** What is shown before there is a desk: a choice of projects, or why there is none. */

import type { JSX } from "preact";
import { Problem } from "./api";
import type { ProjectBrief } from "./wire";

export function ChooseProject({
  projects,
}: {
  readonly projects: readonly ProjectBrief[];
}): JSX.Element {
  return (
    <main class="start">
      <span class="mark-name">signoff</span>
      <h1>{projects.length === 0 ? "No project is open to you" : "Which project?"}</h1>
      {projects.length === 0 && <p>Ask whoever runs this server to add you to one.</p>}
      <ul class="projects">
        {projects.map((each) => (
          <li key={each.id}>
            <a class="answer" href={`#/${encodeURIComponent(each.id)}`}>
              <span class="label" dir="auto">
                <span class="name">{each.name}</span>
                <span class="description">{each.role}</span>
              </span>
            </a>
          </li>
        ))}
      </ul>
    </main>
  );
}

export function CouldNotStart({ error }: { readonly error: unknown }): JSX.Element {
  const [title, text] = explain(error);
  return (
    <main class="start">
      <span class="mark-name">signoff</span>
      <h1>{title}</h1>
      <p>{text}</p>
      <p>
        <a href={location.pathname}>Reload this page</a>
      </p>
    </main>
  );
}

function explain(error: unknown): readonly [string, string] {
  if (!(error instanceof Problem)) {
    return ["The server cannot be reached", "The page goes on trying. Is signoff still running?"];
  }
  if (error.status === 401) {
    return ["You are signed out", "Open the link printed in the terminal again, or sign in."];
  }
  return ["That did not work", [error.message, error.hint].filter(Boolean).join(" ")];
}
