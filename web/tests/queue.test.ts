import { expect, it } from "vitest";
import { ahead, merge, renewIn, toFront, wanted } from "../src/queue";
import type { Request } from "../src/wire";

function request(id: string, until = "2026-01-01T00:10:00Z"): Request {
  return { id, item: { key: id, text: id, kind: "text", fields: {} }, lease_until: until };
}
const requests = (ids: string): readonly Request[] => [...ids].map((id) => request(id));
const ids = (held: readonly Request[]): string => held.map((each) => each.id).join("");

it("holds ten for whoever is slow and a minute's worth, at most forty, for whoever is fast", () => {
  const now = 1_000_000;
  const every = (ms: number): number[] => Array.from({ length: 60 }, (_, n) => now - n * ms);
  expect(ahead([], now)).toBe(10);
  expect(ahead(every(20_000), now)).toBe(10);
  expect(ahead(every(3_000), now)).toBe(20);
  expect(ahead(every(500), now)).toBe(40);
});

it("leases only when fewer than half are left, and then all that is missing", () => {
  expect(wanted(5, 10)).toBe(0);
  expect(wanted(4, 10)).toBe(6);
  expect(wanted(0, 10)).toBe(10);
});

it("puts new requests behind those held, each once", () => {
  expect(ids(merge(requests("abc"), requests("cde"), [], new Set()))).toBe("abcde");
});

it("does not show again what was answered and is still on its way", () => {
  expect(ids(merge(requests("ab"), requests("xc"), [], new Set(["x"])))).toBe("abc");
});

it("drops what was lost to others, but never the item on the screen", () => {
  expect(ids(merge(requests("abcd"), [], ["a", "c"], new Set()))).toBe("abd");
});

it("brings an undone item to the front, from wherever it is", () => {
  expect(ids(toFront(requests("abc"), request("x")))).toBe("xabc");
  expect(ids(toFront(requests("abc"), request("c")))).toBe("cab");
});

it("renews after half of the shortest lease, corrected for the server's clock", () => {
  const now = Date.parse("2026-01-01T00:00:00Z");
  const held = [request("a", "2026-01-01T00:02:00Z"), request("b", "2026-01-01T00:01:00Z")];
  expect(renewIn(held, now, 0)).toBe(30_000);
  expect(renewIn(held, now, -20_000)).toBe(40_000);
  expect(renewIn(held, now, 3_600_000)).toBe(5_000);
  expect(renewIn([request("c", "2026-01-02T00:00:00Z")], now, 0)).toBe(60_000);
  expect(renewIn([request("d", "soon")], now, 0)).toBe(60_000);
});
