import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

const css = readFileSync(new URL("../../src/style/tokens.css", import.meta.url), "utf8");
const [usual = "", contrasting = ""] = css.split(':root[data-theme="contrast"]');

/** The colours of one side of `light-dark(…)`. */
function colours(part: string, side: "light" | "dark"): Map<string, string> {
  const found = part.matchAll(/--([a-z-]+):\s*light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);/g);
  return new Map(
    [...found].map(([, name = "", light = "", dark = ""]) => [
      name,
      side === "light" ? light : dark,
    ]),
  );
}

function luminance(hex: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5]
    .map((at) => Number.parseInt(hex.slice(at, at + 2), 16) / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a: string, b: string): number {
  const [low = 0, high = 0] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
}

const light = colours(usual, "light");
const dark = colours(usual, "dark");
const strong = (side: "light" | "dark"): Map<string, string> =>
  new Map([...colours(usual, side), ...colours(contrasting, side)]);

const text = 4.5; // WCAG 2.2 AA, text of any size
const shape = 3; // and of shapes that carry meaning

const pairs: [string, string, number][] = [
  ...["page", "surface", "raised"].flatMap((ground): [string, string, number][] => [
    ["text", ground, text],
    ["muted", ground, text],
    ["warn", ground, text],
    ["crit", ground, text],
    ["stale", ground, text],
    ["offline", ground, text],
    ["ok", ground, shape],
    ["accent", ground, shape],
  ]),
  ["warn", "warn-surface", text],
  ["fill", "surface", shape],
  ["fill", "track", shape],
  ["page", "text", text],
  ["tile-high", "tile-low", shape],
];

describe.each([
  ["light", light],
  ["dark", dark],
  ["light contrast", strong("light")],
  ["dark contrast", strong("dark")],
])("the %s theme", (_name, theme) => {
  it.each(pairs)("draws %s on %s with a contrast of at least %d", (front, ground, least) => {
    expect(contrast(theme.get(front) ?? "", theme.get(ground) ?? "")).toBeGreaterThanOrEqual(least);
  });
});

it("every theme has its colours", () => {
  expect(light.size).toBeGreaterThan(17);
});
