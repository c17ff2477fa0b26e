/** What changed between two texts, word by word. Pure. */

export interface Change {
  readonly kind: "same" | "added" | "removed";
  readonly text: string;
}

/** Above this many cells the table would take noticeable time: then the middle is one change. */
const MOST_CELLS = 1_000_000;

/** The shortest list of changes that turns `before` into `after`; white space counts as words. */
export function wordDiff(before: string, after: string): readonly Change[] {
  const a = words(before);
  const b = words(after);
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head += 1;
  let tail = 0;
  while (
    tail < a.length - head &&
    tail < b.length - head &&
    a[a.length - 1 - tail] === b[b.length - 1 - tail]
  ) {
    tail += 1;
  }
  return joined([
    ...a.slice(0, head).map((text): Change => ({ kind: "same", text })),
    ...middle(a.slice(head, a.length - tail), b.slice(head, b.length - tail)),
    ...a.slice(a.length - tail).map((text): Change => ({ kind: "same", text })),
  ]);
}

function words(text: string): readonly string[] {
  const segmenter = new Intl.Segmenter(undefined, { granularity: "word" });
  return Array.from(segmenter.segment(text), (each) => each.segment);
}

/** Longest common subsequence by the textbook's table. */
function middle(a: readonly string[], b: readonly string[]): readonly Change[] {
  const whole: Change[] = [
    { kind: "removed", text: a.join("") },
    { kind: "added", text: b.join("") },
  ];
  if (a.length === 0 || b.length === 0 || a.length * b.length > MOST_CELLS) return whole;
  const width = b.length + 1;
  const common = new Uint16Array((a.length + 1) * width);
  const at = (i: number, j: number): number => common[i * width + j] ?? 0;
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      common[i * width + j] =
        a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const changes: Change[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    const left = a[i];
    const right = b[j];
    if (left !== undefined && left === right) {
      changes.push({ kind: "same", text: left });
      i += 1;
      j += 1;
    } else if (left !== undefined && (right === undefined || at(i + 1, j) >= at(i, j + 1))) {
      changes.push({ kind: "removed", text: left });
      i += 1;
    } else if (right !== undefined) {
      changes.push({ kind: "added", text: right });
      j += 1;
    }
  }
  return changes;
}

/** Neighbours of one kind become one; a removal comes before the addition that replaces it. */
function joined(changes: readonly Change[]): readonly Change[] {
  const result: Change[] = [];
  let removed = "";
  let added = "";
  const flush = (): void => {
    if (removed !== "") result.push({ kind: "removed", text: removed });
    if (added !== "") result.push({ kind: "added", text: added });
    removed = "";
    added = "";
  };
  for (const change of changes) {
    if (change.kind === "removed") removed += change.text;
    else if (change.kind === "added") added += change.text;
    else if (change.text !== "") {
      flush();
      const last = result.at(-1);
      if (last?.kind === "same")
        result[result.length - 1] = { ...last, text: last.text + change.text };
      else result.push(change);
    }
  }
  flush();
  return result;
}
