import { beforeEach, describe, expect, it } from "vitest";
import { curvePoints, Curves, curveStepMs } from "../../src/model/curves";
import { metricNames } from "../../src/model/route";
import { sparkPath } from "../../src/view/spark";

let curves: Curves;
let metrics: Float32Array[];

beforeEach(() => {
  curves = new Curves();
  curves.grow(4);
  curves.clear(1);
  metrics = metricNames.map(() => new Float32Array(4));
});

const note = (step: number, value: number): void => {
  for (const column of metrics) column[1] = value;
  curves.note(1, step * curveStepMs, metrics);
};

const read = (step: number): (number | null)[] =>
  [...curves.read(1, "cpu", step * curveStepMs)].map((value) =>
    Number.isNaN(value) ? null : Math.round(value),
  );

describe("a curve", () => {
  it("is empty before the first sample", () => {
    expect(read(5).every((value) => value === null)).toBe(true);
  });

  it("holds what was until something else comes", () => {
    note(10, 5);
    note(13, 7);
    expect(read(14).slice(-6)).toEqual([null, 5, 5, 5, 7, 7]);
  });

  it("has the newest of the samples of one step", () => {
    note(10, 5);
    note(10, 9);
    expect(read(10).at(-1)).toBe(9);
  });

  it("forgets what is older than itself", () => {
    note(0, 5);
    for (let step = 1; step < 200; step += 1) note(step, step);
    expect(read(199)).toEqual(Array.from({ length: curvePoints }, (_, at) => 152 + at));
    note(900, 1);
    expect(read(900).slice(-2)).toEqual([199, 1]);
  });

  it("of a silent host ends with its last sample", () => {
    note(10, 5);
    const silent = [...curves.read(1, "cpu", 12 * curveStepMs, false)];
    expect(silent.slice(-3)).toEqual([5, Number.NaN, Number.NaN]);
    expect(read(10 + 3 * curvePoints).every((value) => value === 5)).toBe(true);
  });

  it("keeps the unknown apart from zero", () => {
    note(1, Number.NaN);
    note(2, 0);
    expect(read(2).slice(-2)).toEqual([null, 0]);
  });

  it("keeps its values when there is room for more hosts", () => {
    note(1, 42);
    curves.grow(8);
    expect(read(1).at(-1)).toBe(42);
  });

  it.each([0, 0.05, 1.844, 240, 95_000])("keeps %d Mbit/s to a thousandth", (value) => {
    note(1, value);
    const kept = curves.read(1, "network", curveStepMs).at(-1) ?? Number.NaN;
    expect(Math.abs(kept - value)).toBeLessThanOrEqual(0.001 + value / 1000);
  });
});

describe("its line", () => {
  const curve = (...values: number[]): Float32Array => new Float32Array(values);

  it("has a gap where nothing is known", () => {
    expect(sparkPath(curve(0, 50, Number.NaN, 100, 100), "cpu")).toBe("M0 19.0L2 10.0M6 1.0L8 1.0");
  });

  it("shows a single point", () => {
    expect(sparkPath(curve(Number.NaN, 50, Number.NaN), "cpu")).toBe("M2 10.0h.01");
  });

  it("of what has no upper end fills its height", () => {
    expect(sparkPath(curve(0, 500), "network")).toMatch(/^M0 19\.0L2 2\.\d$/);
  });
});
