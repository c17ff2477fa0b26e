import { describe, expect, it } from "vitest";
import { Api } from "../src/api";
import type { Outcome, Sending } from "../src/outbox";
import { deliver, type Heard } from "../src/sender";

const REVIEW: Sending["what"] = {
  kind: "review",
  body: { request: "r", answers: { answer: { label: "x" } }, seconds: 1, note: null },
};

/** What becomes of a sending when the server answers so. */
async function fate(
  answer: Response | "nothing",
  what: Sending["what"] = REVIEW,
): Promise<{ readonly outcome: Outcome; readonly heard: readonly string[] }> {
  const heard: string[] = [];
  const ears: Heard = {
    receipt: (_, receipt) => void heard.push(receipt.counted ? "counted" : "extra"),
    differs: (_, first) => void heard.push(`differs from ${JSON.stringify(first)}`),
    said: () => void heard.push("said"),
    reached: (yes) => void heard.push(yes ? "reached" : "unreachable"),
    signedOut: () => void heard.push("signed out"),
  };
  const api = new Api("http://x/api/v1/", async () => {
    if (answer === "nothing") throw new TypeError("Failed to fetch");
    return answer;
  });
  const sending: Sending = {
    id: "s",
    by: "ann",
    project: "p",
    request: "r",
    order: 1,
    shown: "",
    what,
  };
  return { outcome: await deliver(api, sending, ears), heard };
}

function problem(
  status: number,
  code: string,
  headers: Record<string, string> = {},
  more = {},
): Response {
  const body = { status, code, title: code, detail: "It is so.", hint: "Do that.", ...more };
  return new Response(JSON.stringify(body), { status, headers });
}

describe("a sending", () => {
  it("is done when the server has it", async () => {
    const { outcome, heard } = await fate(Response.json({ counted: true, progress: {} }));
    expect([outcome.kind, heard]).toEqual(["sent", ["counted", "reached"]]);
  });

  it("is tried again when nothing came back", async () => {
    const { outcome, heard } = await fate("nothing");
    expect([outcome, heard]).toEqual([{ kind: "later", afterSeconds: null }, ["unreachable"]]);
  });

  it.each([408, 425, 429, 500, 502, 503])("is tried again after status %i", async (status) => {
    const { outcome } = await fate(problem(status, "busy", { "retry-after": "3" }));
    expect(outcome).toEqual({ kind: "later", afterSeconds: 3 });
  });

  it("waits for somebody to sign in", async () => {
    const { outcome, heard } = await fate(problem(401, "signed_out"));
    expect([outcome.kind, heard]).toEqual(["later", ["reached", "signed out"]]);
  });

  it("is over when the server already had another answer under its id", async () => {
    const first = { answer: { label: "y" } };
    const { outcome, heard } = await fate(problem(409, "other_answer", {}, { first }));
    expect(outcome.kind).toBe("sent");
    expect(heard).toContain(`differs from ${JSON.stringify(first)}`);
  });

  it.each([400, 403, 404, 409, 410, 422])(
    "is kept for a person to see after status %i",
    async (status) => {
      const { outcome } = await fate(problem(status, "no"));
      expect(outcome).toEqual({ kind: "refused", why: "It is so. Do that." });
    },
  );

  it("that only skips needs no person", async () => {
    const { outcome } = await fate(problem(409, "not_leased"), { kind: "skip" });
    expect(outcome.kind).toBe("sent");
  });

  it("survives a proxy that answers in HTML", async () => {
    const { outcome } = await fate(new Response("<h1>Bad gateway</h1>", { status: 502 }));
    expect(outcome.kind).toBe("later");
  });

  it("tells that a comment arrived", async () => {
    const { outcome, heard } = await fate(new Response(null, { status: 204 }), {
      kind: "comment",
      text: "hm",
    });
    expect(outcome).toEqual({ kind: "sent" });
    expect(heard).toEqual(["said", "reached"]);
  });
});
