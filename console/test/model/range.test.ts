import { describe, expect, it } from "vitest";
import { overscan, scrollDelta, type Viewport, visibleRange } from "../../src/model/range";

const view = (parts: Partial<Viewport>): Viewport => ({
  top: 0,
  height: 600,
  rowHeight: 30,
  count: 1000,
  ...parts,
});

describe("the rows in sight", () => {
  it.each([
    ["nothing of an empty table", { count: 0 }, 0, 0],
    ["nothing while rows have no height", { rowHeight: 0 }, 0, 0],
    ["the first ones at the top", {}, 0, 20 + overscan],
    ["some more at both ends in the middle", { top: 3000 }, 94, 120 + overscan],
    ["the last ones at the bottom", { top: 29_400 }, 974, 1000],
    ["none beyond the end", { count: 3 }, 0, 3],
    [
      "the first ones when the table starts below the window's top",
      { top: -200 },
      0,
      14 + overscan,
    ],
    ["none when the table is far below", { top: -5000 }, 0, 0],
    ["none when the table is far above", { top: 90_000 }, 1000, 1000],
  ] as const)("are %s", (_name, parts, first, end) => {
    expect(visibleRange(view(parts))).toEqual({ first, end });
  });

  it("always cover the window", () => {
    for (let top = 0; top <= 29_400; top += 7) {
      const { first, end } = visibleRange(view({ top }));
      expect(first * 30).toBeLessThanOrEqual(top);
      expect(end * 30).toBeGreaterThanOrEqual(Math.min(top + 600, 30_000));
    }
  });
});

describe("scrolling to a row", () => {
  it.each([
    ["is not needed when it is in sight", 0, 5, 0],
    ["goes up by what is missing above", 300, 5, -150],
    ["goes down by what is missing below", 0, 25, 180],
    ["shows the whole of a row cut by the lower edge", 15, 20, 15],
  ])("%s", (_name, top, row, delta) => {
    expect(scrollDelta(view({ top }), row)).toBe(delta);
  });

  it("never hides the top of a row that is higher than the window", () => {
    expect(scrollDelta(view({ height: 20 }), 3)).toBe(90);
  });
});
