import { describe, expect, it } from "vitest";
import { type Block, type Inline, parseMarkdown, safeHref } from "../src/markdown";

/** A short writing of the tree, so that expectations fit on a line. */
function brief(source: string): string {
  return parseMarkdown(source).map(block).join(" ");
}

function block(each: Block): string {
  switch (each.kind) {
    case "heading":
      return `h${each.level}(${each.children.map(inline).join("")})`;
    case "paragraph":
      return `p(${each.children.map(inline).join("")})`;
    case "code":
      return `pre(${each.text})`;
    case "rule":
      return "hr";
    case "quote":
      return `quote(${each.children.map(block).join(" ")})`;
    case "list":
      return `${each.first === null ? "ul" : `ol${each.first}`}(${each.items.map((item) => item.map(block).join(" ")).join(" | ")})`;
    case "table":
      return `table(${[each.head, ...each.rows].map((row) => row.map((cell) => cell.map(inline).join("")).join(",")).join(";")})`;
  }
}

function inline(each: Inline): string {
  switch (each.kind) {
    case "text":
      return each.text;
    case "code":
      return `‹${each.text}›`;
    case "break":
      return "⏎";
    case "link":
      return `[${each.children.map(inline).join("")}→${each.href}]`;
    default:
      return `${each.kind[0]}{${each.children.map(inline).join("")}}`;
  }
}

it.each([
  ["# Title #\n\ntext", "h1(Title) p(text)"],
  ["one\ntwo\n\nthree", "p(one\ntwo) p(three)"],
  ["**bold** and *thin* and ~~gone~~", "p(s{bold} and e{thin} and d{gone})"],
  ["**bold with *thin* inside**", "p(s{bold with e{thin} inside})"],
  ["snake_case_name stays, _this_ not", "p(snake_case_name stays, e{this} not)"],
  ["2 * 3 * 4", "p(2 * 3 * 4)"],
  ["\\*not thin\\*", "p(*not thin*)"],
  ["`a*b*` and ``c`d``", "p(‹a*b*› and ‹c`d›)"],
  ["- a\n- b\n  - c\n- d", "ul(p(a) | p(b) ul(p(c)) | p(d))"],
  ["3. a\n4. b", "ol3(p(a) | p(b))"],
  ["- a\n\n  more of a\n- b\n\nafter", "ul(p(a) p(more of a) | p(b)) p(after)"],
  ["> quoted\n> **twice**", "quote(p(quoted\ns{twice}))"],
  ["```py\nx < 1\n```\nafter", "pre(x < 1) p(after)"],
  ["---", "hr"],
  ["| a | b |\n|---|:-:|\n| 1 | **2** |", "table(a,b;1,s{2})"],
  ["line  \nbreak", "p(line⏎break)"],
  ["[signoff](https://example.org/a_(b))", "p([signoff→https://example.org/a_(b)])"],
  ["see https://example.org/x.", "p(see [https://example.org/x→https://example.org/x].)"],
])("reads %j", (source, expected) => {
  expect(brief(source)).toBe(expected);
});

describe("what could do harm", () => {
  it("stays text: HTML has no meaning here", () => {
    const source = '<script>alert(1)</script> <img src=x onerror="alert(1)">';
    expect(brief(source)).toBe(`p(${source})`);
  });

  it.each([
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "data:text/html,x",
    "vbscript:x",
    "file:///etc/passwd",
    "/sign-out",
    "//elsewhere.example",
  ])("leads nowhere: %s", (href) => {
    expect(safeHref(href)).toBeNull();
    expect(brief(`[click](${href})`)).not.toContain("→");
  });

  it("is not fetched: an image becomes a link", () => {
    expect(brief("![cat](https://example.org/cat.png)")).toBe(
      "p([cat→https://example.org/cat.png])",
    );
  });

  it("ends, however deep or long it is", () => {
    expect(() => parseMarkdown("> ".repeat(5000) + "x")).not.toThrow();
    expect(() => parseMarkdown("**a ".repeat(4000))).not.toThrow();
    expect(() => parseMarkdown("[".repeat(20_000))).not.toThrow();
    expect(() => parseMarkdown("- ".repeat(3000) + "x")).not.toThrow();
  });
});
