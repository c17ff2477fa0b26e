/** Finds labels while somebody types: the best match first. Pure. */

import type { Label } from "./wire";

/** The labels that match, best first; ties keep the question's order. Nothing typed: all of them. */
export function ranked(labels: readonly Label[], typed: string): readonly Label[] {
  const wanted = folded(typed);
  if (wanted === "") return labels;
  return labels
    .map((label, order) => ({ label, order, rank: rank(label, wanted) }))
    .filter((each) => each.rank < NO_MATCH)
    .sort((a, b) => a.rank - b.rank || a.order - b.order)
    .map((each) => each.label);
}

const NO_MATCH = 6;

/** 0 the same, 1 begins so, 2 a word begins so, 3 initials, 4 somewhere inside, 5 letters in order. */
function rank(label: Label, wanted: string): number {
  return Math.min(rankOfName(folded(label.name), wanted), rankOfName(folded(label.id), wanted));
}

function rankOfName(name: string, wanted: string): number {
  if (name === wanted) return 0;
  if (name.startsWith(wanted)) return 1;
  const words = name.split(/[^\p{L}\p{N}]+/u).filter((word) => word !== "");
  if (words.some((word) => word.startsWith(wanted))) return 2;
  if (
    words
      .map((word) => word[0] ?? "")
      .join("")
      .startsWith(wanted)
  )
    return 3;
  if (name.includes(wanted)) return 4;
  return inOrder(name, wanted) ? 5 : NO_MATCH;
}

function inOrder(name: string, wanted: string): boolean {
  let at = 0;
  for (const letter of wanted.replace(/\s/g, "")) {
    at = name.indexOf(letter, at) + 1;
    if (at === 0) return false;
  }
  return true;
}

/** Without capitals, accents and white space at the ends. */
function folded(text: string): string {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase().trim();
}
