import { describe, expect, it } from "vitest";
import { safeText } from "../../src/model/safe";

describe("text from a peer", () => {
  it.each([
    ["plain ids stay as they are", "web-042.eu", "web-042.eu"],
    ["letters of other scripts stay", "حاسوب-7 サーバ é", "حاسوب-7 サーバ é"],
    ["markup is only text", "<img src=x onerror=alert(1)>", "<img src=x onerror=alert(1)>"],
    ["a right-to-left override is spelt out", "a\u202Eexe.txt", "a\\u{202e}exe.txt"],
    ["isolates are spelt out", "\u2066a\u2069", "\\u{2066}a\\u{2069}"],
    ["marks of direction are spelt out", "a\u200F\u061Cb", "a\\u{200f}\\u{61c}b"],
    ["zero-width characters are spelt out", "a\u200Bb\uFEFFc", "a\\u{200b}b\\u{feff}c"],
    ["control characters are spelt out", "a\u0000\n\u007Fb", "a\\u{0}\\u{a}\\u{7f}b"],
    ["line and paragraph separators are spelt out", "a\u2028b\u2029", "a\\u{2028}b\\u{2029}"],
    ["tag characters beyond 16 bits are spelt out", "a\u{E0041}", "a\\u{e0041}"],
    ["half a surrogate pair is spelt out", "a\uD800b", "a\\u{d800}b"],
  ])("%s", (_name, given, shown) => {
    expect(safeText(given)).toBe(shown);
  });

  it("is cut to its limit in code points and marked", () => {
    expect(safeText("abcdef", 4)).toBe("abcd…");
    expect(safeText("abcd", 4)).toBe("abcd");
    expect(safeText("🟢🟢🟢", 2)).toBe("🟢🟢…");
  });

  it("costs no more than its limit, however long it came", () => {
    expect(safeText("x".repeat(1_000_000), 64)).toHaveLength(65);
    expect(safeText("\u202E".repeat(1_000_000), 64).length).toBeLessThanOrEqual(64 * 10 + 1);
  });
});
