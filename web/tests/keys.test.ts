import { describe, expect, it } from "vitest";
import { type KeyLike, KeyRing, stroke } from "../src/keys";

function press(key: string, more: Partial<KeyLike> = {}): string | null {
  return stroke({
    key,
    code: "",
    shiftKey: false,
    ctrlKey: false,
    altKey: false,
    metaKey: false,
    repeat: false,
    isComposing: false,
    target: { tagName: "BODY" },
    ...more,
  });
}

describe("a key", () => {
  it("is named as it is printed on its button, capitals or not", () => {
    expect([press("1"), press("s"), press("S"), press("Enter"), press("Backspace")]).toEqual([
      "1",
      "s",
      "s",
      "Enter",
      "Backspace",
    ]);
  });

  it("is a digit by its place where the row gives other signs without Shift", () => {
    expect(press("&", { code: "Digit1" })).toBe("1");
    expect(press("1", { code: "Digit1", shiftKey: true })).toBe("1");
    expect(press("!", { code: "Digit1", shiftKey: true })).toBeNull();
    expect(press("7", { code: "Numpad7" })).toBe("7");
  });

  it("means nothing with Ctrl, Alt or the system's key", () => {
    for (const held of ["ctrlKey", "altKey", "metaKey"]) {
      expect(press("s", { [held]: true })).toBeNull();
      expect(press("1", { [held]: true })).toBeNull();
    }
    expect(press("S", { shiftKey: true })).toBeNull();
    expect(press("?", { shiftKey: true })).toBe("?");
  });

  it("means nothing while it repeats, except an arrow", () => {
    expect(press("1", { repeat: true })).toBeNull();
    expect(press("Enter", { repeat: true })).toBeNull();
    expect(press("ArrowRight", { repeat: true })).toBe("ArrowRight");
  });

  it("means nothing while somebody types or composes", () => {
    for (const target of [
      { tagName: "TEXTAREA" },
      { tagName: "INPUT", type: "text" },
      { tagName: "SELECT" },
      { tagName: "DIV", isContentEditable: true },
    ]) {
      expect(press("s", { target })).toBeNull();
      expect(press("1", { target })).toBeNull();
    }
    expect(press("a", { isComposing: true })).toBeNull();
  });

  it("works on a check box, which nobody types into", () => {
    const target = { tagName: "INPUT", type: "checkbox" };
    expect(press("2", { target })).toBe("2");
    expect(press("Enter", { target })).toBe("Enter");
    expect(press(" ", { target })).toBeNull();
  });

  it("leaves Enter and Space to the button that has the focus", () => {
    const target = { tagName: "BUTTON" };
    expect(press("Enter", { target })).toBeNull();
    expect(press(" ", { target })).toBeNull();
    expect(press("3", { target })).toBe("3");
  });

  it("leaves arrows to a slider that has the focus", () => {
    expect(press("ArrowLeft", { target: { tagName: "INPUT", type: "range" } })).toBeNull();
  });

  it("says when Shift grows a selection", () => {
    expect(press("ArrowLeft", { shiftKey: true })).toBe("Shift+ArrowLeft");
  });
});

describe("a key ring", () => {
  it("asks the question first, then the form, then the page, and stops where the key is used", () => {
    const ring = new KeyRing();
    const asked: string[] = [];
    ring.listen("page", () => asked.push("page") > 0);
    ring.listen("form", () => asked.push("form") < 0);
    ring.listen("question", () => asked.push("question") < 0);
    expect(ring.press("1")).toBe(true);
    expect(asked).toEqual(["question", "form", "page"]);
  });

  it("forgets who stopped listening", () => {
    const ring = new KeyRing();
    const stop = ring.listen("page", () => true);
    stop();
    expect(ring.press("1")).toBe(false);
  });
});
