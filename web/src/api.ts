/**
 * Calls the server. Every failure is one of two errors: the server said no (`Problem`), or nothing
 * came back (`Unreachable`).
 */

import type {
  Begun,
  Comment,
  Hinted,
  Leased,
  PastReview,
  ProblemBody,
  Receipt,
  ReviewBody,
  Undone,
} from "./wire";

/** The server answered, and the answer is no. */
export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly hint: string;
  readonly body: Partial<ProblemBody>;
  /** Seconds the server asks to wait before the next try. */
  readonly retryAfter: number | null;

  constructor(status: number, body: Partial<ProblemBody>, retryAfter: number | null = null) {
    super(body.detail ?? body.title ?? `The server answered ${status}.`);
    this.status = status;
    this.code = body.code ?? "unknown";
    this.hint = body.hint ?? "";
    this.body = body;
    this.retryAfter = retryAfter;
  }
}

/** No answer: no network, no server, or it took too long. */
export class Unreachable extends Error {}

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

const TIMEOUT_MS = 20_000;

export class Api {
  private readonly base: string;
  private readonly fetch: Fetch;

  /** `base` ends in `api/v1/`. */
  constructor(base: string, fetch: Fetch = (url, init) => globalThis.fetch(url, init)) {
    this.base = base;
    this.fetch = fetch;
  }

  /** One request for all of a page's beginning; `skew` as for `lease`. */
  async begin(project: string | null, limit: number): Promise<Begun & { readonly skew: number }> {
    const response = await this.send("POST", "begin", { project, limit });
    return { ...((await response.json()) as Begun), skew: skewOf(response) };
  }

  /** Also says how far the server's clock is ahead of ours, in milliseconds. */
  async lease(
    project: string,
    limit: number,
    holding: readonly string[],
  ): Promise<Leased & { readonly skew: number }> {
    const response = await this.send("POST", `${path(project)}/leases`, { limit, holding });
    return { ...((await response.json()) as Leased), skew: skewOf(response) };
  }

  answer(project: string, id: string, body: ReviewBody): Promise<Receipt> {
    return this.call("PUT", `${path(project)}/reviews/${encodeURIComponent(id)}`, body);
  }

  /** `forGood`: somebody else is asked, not this person again. */
  async skip(
    project: string,
    request: string,
    reason: string | null,
    forGood: boolean,
  ): Promise<void> {
    await this.send("POST", `${requestPath(project, request)}/skip`, { reason, for_good: forGood });
  }

  /** The same `id` again is the same comment sent again. */
  async comment(project: string, request: string, id: string, text: string): Promise<void> {
    await this.send("POST", `${requestPath(project, request)}/comments`, { id, text });
  }

  async thread(project: string, request: string): Promise<readonly Comment[]> {
    const url = `${requestPath(project, request)}/comments`;
    return (await this.call<{ comments: Comment[] }>("GET", url)).comments;
  }

  hint(project: string, request: string): Promise<Hinted> {
    return this.call("GET", `${requestPath(project, request)}/hint`);
  }

  async flag(project: string, request: string, note: string): Promise<void> {
    await this.send("POST", `${requestPath(project, request)}/flag`, { note });
  }

  undo(project: string, review: string | null): Promise<Undone> {
    return this.call("POST", `${path(project)}/undo`, { review });
  }

  async history(project: string, limit: number): Promise<readonly PastReview[]> {
    const url = `${path(project)}/history?limit=${limit}`;
    return (await this.call<{ reviews: PastReview[] }>("GET", url)).reviews;
  }

  eventsUrl(project: string): string {
    return `${this.base}${path(project)}/events`;
  }

  /** Where a closing page gives its leases back; a beacon carries no headers of ours. */
  returnUrl(project: string): string {
    return `${this.base}${path(project)}/leases/return`;
  }

  private async call<T>(method: string, url: string, body?: unknown): Promise<T> {
    return (await (await this.send(method, url, body)).json()) as T;
  }

  private async send(method: string, url: string, body?: unknown): Promise<Response> {
    const headers: Record<string, string> = { Accept: "application/json", "X-Signoff": "1" };
    const init: RequestInit = { method, headers, credentials: "same-origin", cache: "no-store" };
    if (body !== undefined) {
      headers["Content-Type"] = "application/json";
      init.body = JSON.stringify(body);
    }
    let response: Response;
    try {
      response = await this.fetch(this.base + url, {
        ...init,
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
    } catch (error) {
      throw new Unreachable(error instanceof Error ? error.message : "no connection");
    }
    if (response.ok) return response;
    throw await problemOf(response);
  }
}

function skewOf(response: Response): number {
  const date = Date.parse(response.headers.get("date") ?? "");
  return Number.isNaN(date) ? 0 : date - Date.now();
}

function path(project: string): string {
  return `projects/${encodeURIComponent(project)}`;
}

function requestPath(project: string, request: string): string {
  return `${path(project)}/requests/${encodeURIComponent(request)}`;
}

async function problemOf(response: Response): Promise<Problem> {
  const wait = Number(response.headers.get("retry-after") ?? "");
  let body: Partial<ProblemBody> = {};
  try {
    body = (await response.json()) as Partial<ProblemBody>;
  } catch {
    // A proxy in between answers in HTML: the status has to do.
  }
  return new Problem(response.status, body, wait > 0 ? wait : null);
}
