import { describe, expect, it } from "vitest";
import { layTiles, shade, tileAt, tileMove, tilePlace } from "../../src/model/tilemap";

const flat = (count: number) => [{ count, hasHead: false }];

describe("tiles", () => {
  it("are as large as they can be for all to be seen", () => {
    const few = layTiles(flat(20), 1000, 600, false);
    const many = layTiles(flat(2000), 1000, 600, false);
    expect(few.size).toBeGreaterThan(many.size);
    expect(many.height).toBeLessThanOrEqual(600);
    expect(layTiles(flat(2000), 1000, 600, false).columns * many.step).toBeLessThan(1003);
  });

  it("do not shrink without end: the map is higher then", () => {
    const layout = layTiles(flat(100_000), 1000, 600, false);
    expect(layout.size).toBe(10);
    expect(layout.height).toBeGreaterThan(600);
    expect(layTiles(flat(10_000), 320, 600, true).size).toBe(24);
  });

  it("are found where they are drawn, with and without groups", () => {
    const sections = [
      { count: 70, hasHead: true },
      { count: 0, hasHead: true },
      { count: 33, hasHead: true },
    ];
    for (const of of [flat(200), sections]) {
      const layout = layTiles(of, 400, 300, false);
      const count = of.reduce((sum, section) => sum + section.count, 0);
      for (let tile = 0; tile < count; tile += 1) {
        const { x, y } = tilePlace(layout, tile);
        expect(tileAt(layout, of, x + 1, y + 1)).toBe(tile);
      }
      expect(tileAt(layout, of, 5, 1e6)).toBe(-1);
      expect(tileAt(layout, of, 1e6, 5)).toBe(-1);
    }
  });

  it("are one column on the narrowest page", () => {
    expect(layTiles(flat(3), 0, 100, false).columns).toBe(1);
  });
});

describe("a key", () => {
  const layout = layTiles(flat(100), 400, 300, false);

  it.each([
    ["ArrowRight", 5, 6],
    ["ArrowLeft", 0, 0],
    ["ArrowDown", 0, layout.columns],
    ["ArrowUp", 3, 0],
    ["ArrowDown", 99, 99],
    ["Home", 50, 0],
    ["End", 50, 99],
    ["x", 50, null],
  ])("%s leads from %d to %j", (key, from, to) => {
    expect(tileMove(layout, 100, from, key)).toBe(to);
  });
});

describe("a shade", () => {
  it("grows with the value and ends", () => {
    expect(shade("cpu", 50)).toBe(0.5);
    expect(shade("cpu", 250)).toBe(1);
    expect(shade("network", 1e9)).toBe(1);
    expect(shade("network", 10)).toBeLessThan(shade("network", 100));
    expect(shade("load", Number.NaN)).toBe(0);
  });
});
