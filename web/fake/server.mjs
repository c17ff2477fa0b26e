/**
 * Plays the server in memory, for looking at the page and for its tests: nothing here is shipped.
 *
 *   node fake/server.mjs [PORT]      then open /?kind=choice (or another name of worlds.mjs)
 *
 * Every visit to /?kind=… starts a project of its own. /fake/set?latency=80&fail=503 changes how
 * the API answers, /fake/state tells what arrived.
 */

import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { WORLDS } from "./worlds.mjs";

const STATIC = fileURLToPath(new URL("../../src/signoff/server/static", import.meta.url));
const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".txt": "text/plain; charset=utf-8",
};
const HEADERS = {
  "Content-Security-Policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Opener-Policy": "same-origin",
};
const PICTURE = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 800 520"><rect width="800" height="520" fill="#cfe0d8"/><circle cx="400" cy="300" r="150" fill="#7a5c3e"/><path d="M270 220l30-120 90 70zm260 0l-30-120-90 70z" fill="#7a5c3e"/><circle cx="345" cy="280" r="16"/><circle cx="455" cy="280" r="16"/><path d="M385 330h30l-15 18z"/></svg>`;
const LEASE_MS = 120_000;

class World {
  constructor(kind) {
    const world = WORLDS[kind];
    this.kind = kind;
    this.world = world;
    this.items = Array.from({ length: world.items ?? 200 }, (_, n) => ({
      id: `r-${n}`,
      n,
      leased: 0,
    }));
    this.reviews = new Map();
    this.past = [];
    this.flags = [];
    this.words = [];
    this.streams = new Set();
    this.set = { latency: 0, fail: 0, lose: 0, counted: true };
    this.calls = [];
  }

  project() {
    const { questions, guideline = "", blur = false, hints = "off" } = this.world;
    return {
      id: this.kind,
      name: `Example: ${this.kind}`,
      questions,
      guideline,
      blur,
      blind: hints === "off",
      hints,
      text_direction: "auto",
      policy: "certified, max error 0.05, certainty 0.95",
    };
  }

  /** A named project is the only one this server plays, whatever others it lists. */
  begin({ project, limit }) {
    const roles = { [this.kind]: "reviewer", ...this.world.others };
    const projects = Object.entries(roles).map(([id, role]) => ({
      id,
      name: `Example: ${id}`,
      role,
    }));
    const chosen = project === this.kind || projects.length === 1;
    return {
      me: { name: "ann", kind: "local", roles },
      projects,
      project: chosen ? this.project() : null,
      leased: chosen && limit > 0 ? this.lease({ limit, holding: [] }) : null,
      history: chosen ? this.history() : null,
    };
  }

  request(item) {
    return {
      id: item.id,
      item: { key: `row ${item.n}`, ...this.world.item(item.n) },
      hint: this.world.hints === "before" ? this.world.hint(item.n) : null,
      lease_until: new Date(Date.now() + LEASE_MS).toISOString(),
    };
  }

  comment(request, { id, text }) {
    if (this.words.some((each) => each.id === id)) return;
    const at = new Date().toISOString();
    this.words.push({ request, id, author: "ann", mine: true, kind: "comment", text, at });
  }

  /** Others' words come after one's own answer, as in a blind project. */
  thread(request) {
    const at = new Date(Date.now() - 600_000).toISOString();
    const others = { id: "c-0", author: "ben", mine: false, kind: "flag", text: "Two moods.", at };
    const answered = this.past.some((each) => each.request === request);
    const mine = this.words.filter((each) => each.request === request);
    const all = answered ? [others, ...mine] : mine;
    return { comments: all.map(({ request: _, ...said }) => said) };
  }

  hint(request) {
    return { hint: this.world.hint?.(Number(request.slice(2))) ?? null, why: null };
  }

  progress() {
    const mine = this.past.length;
    return {
      phase: "asking",
      items: 2000,
      answered: 120 + mine,
      mine,
      automatic: 0,
      open: this.items.length,
      remaining: Math.max(0, 480 - mine),
      minutes: Math.max(0, 480 - mine) * 0.06,
      bound: null,
      statement: null,
      paused: null,
      ...this.world.progress,
    };
  }

  lease({ limit, holding }) {
    const lost = holding.filter((id) => !this.items.some((each) => each.id === id));
    const free = this.items
      .filter((each) => !holding.includes(each.id) && each.leased < Date.now())
      .slice(0, limit);
    for (const each of this.items)
      if (free.includes(each) || holding.includes(each.id)) each.leased = Date.now() + LEASE_MS;
    const why = free.length > 0 ? null : (this.world.why ?? "Nothing is left to ask.");
    return {
      requests: free.map((each) => this.request(each)),
      lost,
      why,
      retry_seconds: why ? 15 : null,
      progress: this.progress(),
    };
  }

  answer(id, body) {
    const known = this.reviews.get(id);
    if (known) {
      if (JSON.stringify(known.answers) === JSON.stringify(body.answers))
        return [200, this.receipt(id, body)];
      return problem(409, "other_answer", "This answer was given differently before.", {
        first: known.answers,
        second: body.answers,
      });
    }
    const item = this.items.find((each) => each.id === body.request);
    this.items = this.items.filter((each) => each !== item);
    this.reviews.set(id, body);
    this.past.unshift({
      id,
      request: body.request,
      answers: body.answers,
      at: new Date().toISOString(),
      undoable: true,
    });
    this.publish();
    return [201, { ...this.receipt(id, body), counted: this.set.counted && item !== undefined }];
  }

  receipt(id, body) {
    const hint = this.world.hints === "after" ? this.hint(body.request).hint : null;
    return { id, request: body.request, counted: true, hint, progress: this.progress() };
  }

  undo(id) {
    const found = this.past.find((each) => id === null || each.id === id);
    if (!found) return problem(409, "settled", "This answer can no longer be changed.", {});
    this.past = this.past.filter((each) => each !== found);
    this.reviews.delete(found.id);
    const item = {
      id: found.request,
      n: Number(found.request.slice(2)),
      leased: Date.now() + LEASE_MS,
    };
    this.items.unshift(item);
    this.publish();
    return [200, { request: this.request(item), answers: found.answers }];
  }

  history() {
    return {
      reviews: this.past.slice(0, 50).map((each) => ({
        ...each,
        item: { text: this.world.item(Number(each.request.slice(2))).text.slice(0, 200) },
      })),
    };
  }

  publish() {
    for (const each of this.streams)
      each.write(`event: progress\ndata: ${JSON.stringify(this.progress())}\n\n`);
  }
}

function problem(status, code, detail, more = {}) {
  return [status, { type: "about:blank", title: code, status, code, detail, hint: "", ...more }];
}

export function fakeServer() {
  const worlds = new Map();

  const api = async (world, method, path, body) => {
    const p = `projects/${world.kind}`;
    const route = `${method} ${path.replace(`${p}/`, "P/")}`;
    if (route === "POST begin") return [200, world.begin(body)];
    if (route === "POST P/leases") return [200, world.lease(body)];
    if (route === "POST P/leases/return")
      return (
        world.items.forEach((each) => body.requests.includes(each.id) && (each.leased = 0)),
        [204, null]
      );
    if (route.startsWith("PUT P/reviews/"))
      return world.answer(route.slice("PUT P/reviews/".length), body);
    if (route.startsWith("POST P/requests/")) {
      const [id, what] = route.slice("POST P/requests/".length).split("/");
      const item = world.items.find((each) => each.id === id);
      if (what === "flag") world.flags.push(body.note);
      else if (what === "comments") world.comment(id, body);
      else if (item)
        world.items = [...world.items.filter((each) => each !== item), { ...item, leased: 0 }];
      return [204, null];
    }
    if (route.startsWith("GET P/requests/") && route.endsWith("/hint"))
      return [200, world.hint(route.slice("GET P/requests/".length).split("/")[0])];
    if (route.startsWith("GET P/requests/"))
      return [200, world.thread(route.slice("GET P/requests/".length).split("/")[0])];
    if (route === "POST P/undo") return world.undo(body.review);
    if (route.startsWith("GET P/history")) return [200, world.history()];
    if (route === "GET P/progress") return [200, world.progress()];
    return problem(404, "not_found", `${method} ${path} is not known.`);
  };

  return createServer(async (request, response) => {
    const url = new URL(request.url, "http://localhost");
    const cookie = /fake=([\w-]+)/.exec(request.headers.cookie ?? "")?.[1];
    const send = (status, body, headers = {}) => {
      response.writeHead(status, { ...HEADERS, ...headers });
      response.end(body);
    };
    if (url.pathname === "/" && url.searchParams.has("kind")) {
      const id = randomUUID();
      worlds.set(id, new World(url.searchParams.get("kind")));
      return send(303, "", {
        "Set-Cookie": `fake=${id}; HttpOnly; SameSite=Strict; Path=/`,
        Location: "/",
      });
    }
    const world = worlds.get(cookie);
    if (url.pathname === "/fake/picture.svg")
      return send(200, PICTURE, { "Content-Type": "image/svg+xml" });
    if (url.pathname === "/fake/state") {
      const { reviews, past, flags, calls } = world;
      return send(
        200,
        JSON.stringify({ reviews: [...reviews], past, flags, calls, streams: world.streams.size }),
        { "Content-Type": "application/json" },
      );
    }
    if (url.pathname === "/fake/set") {
      for (const [name, value] of url.searchParams)
        world.set[name] = name === "counted" ? value === "true" : Number(value);
      return send(204, "");
    }
    if (!url.pathname.startsWith("/api/v1/")) return file(url.pathname, send);
    if (!world)
      return send(401, JSON.stringify(problem(401, "signed_out", "No session.")[1]), {
        "Content-Type": "application/problem+json",
      });
    const path = url.pathname.slice("/api/v1/".length) + url.search;
    if (path.endsWith("/events")) {
      response.writeHead(200, {
        ...HEADERS,
        "Content-Type": "text/event-stream",
        "Cache-Control": "no-store",
      });
      world.streams.add(response);
      response.on("close", () => world.streams.delete(response));
      return response.write(`event: progress\ndata: ${JSON.stringify(world.progress())}\n\n`);
    }
    const body = await readBody(request);
    world.calls.push(`${request.method} ${path}`);
    await new Promise((resolve) => setTimeout(resolve, world.set.latency));
    if (world.set.fail)
      return send(world.set.fail, "{}", { "Content-Type": "application/problem+json" });
    if (
      request.method !== "GET" &&
      !path.endsWith("/return") &&
      request.headers["x-signoff"] !== "1"
    )
      return send(403, "{}");
    const [status, answer] = await api(world, request.method, path, body);
    // The server did it and nobody hears so: what a lost connection looks like from the page.
    if (world.set.lose > 0 && request.method === "PUT")
      return ((world.set.lose -= 1), request.socket.destroy());
    return send(status, answer === null ? "" : JSON.stringify(answer), {
      "Content-Type": status < 400 ? "application/json" : "application/problem+json",
      "Cache-Control": "no-store",
    });
  });
}

async function readBody(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString();
  return text === "" ? null : JSON.parse(text);
}

async function file(path, send) {
  const name = normalize(path === "/" ? "/index.html" : path);
  try {
    send(200, await readFile(join(STATIC, name)), {
      "Content-Type": TYPES[extname(name)] ?? "application/octet-stream",
    });
  } catch {
    send(404, "not here");
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const port = Number(process.argv[2] ?? 8765);
  fakeServer().listen(port, "127.0.0.1", () => {
    console.log(
      Object.keys(WORLDS)
        .map((kind) => `http://127.0.0.1:${port}/?kind=${kind}`)
        .join("\n"),
    );
  });
}
