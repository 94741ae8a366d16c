import { describe, expect, it } from "vitest";
import { moveTo } from "../../src/model/roving";

const bounds = { rows: 100, columns: 8, page: 21 };

describe("a key in the grid", () => {
  it.each([
    ["ArrowDown", false, [5, 3], [6, 3]],
    ["ArrowUp", false, [5, 3], [4, 3]],
    ["ArrowLeft", false, [5, 3], [5, 2]],
    ["ArrowRight", false, [5, 3], [5, 4]],
    ["ArrowUp", false, [1, 3], [0, 3]],
    ["ArrowUp", false, [0, 3], [0, 3]],
    ["ArrowDown", false, [0, 3], [1, 3]],
    ["ArrowDown", false, [100, 3], [100, 3]],
    ["ArrowLeft", false, [5, 0], [5, 0]],
    ["ArrowRight", false, [5, 7], [5, 7]],
    ["PageDown", false, [5, 3], [25, 3]],
    ["PageDown", false, [95, 3], [100, 3]],
    ["PageUp", false, [50, 3], [30, 3]],
    ["PageUp", false, [5, 3], [1, 3]],
    ["PageUp", false, [0, 3], [0, 3]],
    ["Home", false, [5, 3], [5, 0]],
    ["End", false, [5, 3], [5, 7]],
    ["Home", true, [5, 3], [1, 0]],
    ["End", true, [5, 3], [100, 7]],
  ] as const)("%s (ctrl: %s) leads from %j to %j", (key, ctrl, from, to) => {
    const cell = { row: from[0], column: from[1] };
    expect(moveTo(cell, key, ctrl, bounds)).toEqual({ row: to[0], column: to[1] });
  });

  it.each(["a", "Tab", "Enter", "Escape", "/"])("%s is left to the browser", (key) => {
    expect(moveTo({ row: 1, column: 1 }, key, false, bounds)).toBeNull();
  });

  it("stays in the head of an empty table", () => {
    const empty = { rows: 0, columns: 8, page: 20 };
    expect(moveTo({ row: 0, column: 1 }, "ArrowDown", false, empty)).toEqual({ row: 0, column: 1 });
    expect(moveTo({ row: 0, column: 1 }, "End", true, empty)).toEqual({ row: 0, column: 7 });
  });

  it("turns at least one row a page, however low the window", () => {
    const low = { rows: 9, columns: 8, page: 0 };
    expect(moveTo({ row: 2, column: 0 }, "PageDown", false, low)).toEqual({ row: 3, column: 0 });
  });
});
