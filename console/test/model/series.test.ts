import { beforeEach, describe, expect, it } from "vitest";
import type { MetricName } from "../../src/model/route";
import { Series, summaryOf } from "../../src/model/series";

const now = 1_764_000_000_000 - (1_764_000_000_000 % 60_000);
const cols = ["storage", "network", "cpu", "mem", "load", "psi"];

const metrics = (cpu: number | null): Record<MetricName, number | null> => ({
  storage: 50,
  network: 1,
  cpu,
  mem: 40,
  load: 0.5,
  psi: null,
});

const row = (cpu: number): (number | null)[] => [50, 1, cpu, 40, 0.5, null];

const none = [null, null, null, null, null, null];

let series: Series;

beforeEach(() => {
  series = new Series();
});

describe("samples that come", () => {
  it("are a curve in seconds", () => {
    series.add(metrics(10), 2500, now);
    series.add(metrics(20), 2500, now + 2500);
    expect(series.curve("cpu", "15m", now + 2500)).toEqual({
      at: [now / 1000, now / 1000 + 2.5],
      values: [10, 20],
      most: [10, 20],
    });
  });

  it("do not join what lies far apart", () => {
    series.add(metrics(10), 2500, now);
    series.add(metrics(20), 2500, now + 60_000);
    expect(series.curve("cpu", "15m", now + 60_000).values).toEqual([10, null, 20]);
  });

  it("of an unknown metric are gaps", () => {
    series.add(metrics(10), 2500, now);
    series.add(metrics(null), 2500, now + 2500);
    series.add(metrics(30), 2500, now + 5000);
    expect(series.curve("cpu", "15m", now + 5000).values).toEqual([10, null, 30]);
    expect(series.curve("psi", "15m", now + 5000).values).toEqual([null, null, null]);
  });

  it("leave the window after fifteen minutes, and memory soon after", () => {
    for (let at = 0; at < 2000; at += 1) series.add(metrics(at % 100), 1000, now + at * 1000);
    const curve = series.curve("cpu", "15m", now + 1999 * 1000);
    expect(curve.at.length).toBe(901);
    expect(curve.at[0]).toBe(now / 1000 + 1099);
  });

  it("become minutes with their mean and highest", () => {
    for (let at = 0; at < 24; at += 1) series.add(metrics(10), 2500, now + at * 2500);
    series.add(metrics(90), 2500, now + 60_000);
    series.add(metrics(30), 2500, now + 62_500);
    const curve = series.curve("cpu", "6h", now + 62_500);
    expect(curve.values).toEqual([10, 60]);
    expect(curve.most).toEqual([10, 90]);
    expect(curve.at).toEqual([now / 1000, now / 1000 + 60]);
  });

  it("are not taken twice", () => {
    series.add(metrics(10), 2500, now);
    series.add(metrics(20), 2500, now);
    expect(series.curve("cpu", "15m", now).values).toEqual([10]);
  });
});

describe("a history of the node", () => {
  const history = {
    interval_ms: 2500,
    t0: now - 10_000,
    cols,
    native: [row(1), row(2), none, none, row(5)],
    minutes: {
      t0: now - 240_000,
      mean: [row(10), row(11), none, row(13)],
      max: [row(20), row(21), none, row(23)],
    },
  };

  it("is where the curves begin, with its gaps", () => {
    expect(series.replace(history, now)).toBe(true);
    expect(series.curve("cpu", "15m", now).values).toEqual([1, 2, null, 5]);
    const minutes = series.curve("cpu", "6h", now);
    expect(minutes.values).toEqual([10, 11, null, 13]);
    expect(minutes.most).toEqual([20, 21, null, 23]);
  });

  it("goes on with what comes", () => {
    series.replace(history, now);
    series.add(metrics(7), 2500, now + 2500);
    expect(series.curve("cpu", "15m", now + 2500).values).toEqual([1, 2, null, 5, 7]);
  });

  it("may have its columns in another order, and more or fewer", () => {
    series.replace(
      {
        ...history,
        cols: ["new", "cpu"],
        native: [
          [9, 1],
          [9, 2],
        ],
        minutes: undefined,
      },
      now,
    );
    expect(series.curve("cpu", "15m", now).values).toEqual([1, 2]);
    expect(series.curve("mem", "15m", now).values).toEqual([null, null]);
  });

  it("of a node whose clock is ahead moves the page's times", () => {
    series.replace({ ...history, t0: now + 3_590_000 }, now);
    series.add(metrics(8), 2500, now + 2500);
    const { at, values } = series.curve("cpu", "15m", now + 2500);
    expect(values.at(-1)).toBe(8);
    expect(at.at(-1)).toBe((now + 3_602_500) / 1000);
  });

  it.each([null, undefined, 7, "x", [], {}, { cols: [] }, { cols: "cpu", native: [[1]] }])(
    "%j is none",
    (value) => {
      expect(series.replace(value, now)).toBe(false);
      expect(series.empty).toBe(true);
    },
  );

  it("with nonsense in it shows what is sense", () => {
    series.replace({ ...history, native: [row(1), "x", [1, 2, -3], null, row(4)] }, now);
    expect(series.curve("cpu", "15m", now).values).toEqual([1, null, null, null, 4]);
  });
});

describe("a curve in numbers", () => {
  it("has its ends, its mean and its gaps", () => {
    series.add(metrics(10), 2500, now);
    series.add(metrics(40), 2500, now + 2500);
    series.add(metrics(10), 2500, now + 60_000);
    expect(summaryOf(series.curve("cpu", "15m", now + 60_000))).toEqual({
      newest: 10,
      least: 10,
      mean: 20,
      most: 40,
      gaps: 1,
    });
  });

  it("is none without a value", () => {
    expect(summaryOf(series.curve("cpu", "15m", now))).toBeNull();
  });
});
