import { describe, expect, it } from "vitest";
import { flagsOf, type Reading, readId, readRecord, staleAfterMs } from "../../src/model/host";
import { makeLabel } from "../../src/model/safe";
import { modernRecord, oldRecord } from "../support";

const unknown = Number.NaN;
const noMetrics = { cpu: unknown, mem: unknown, load: unknown, psi: unknown };

const read = (value: unknown): Reading => {
  const reading = readRecord(value);
  if (reading === null) throw new Error("no reading");
  return reading;
};

describe("a record of a mad agent", () => {
  it("is read whole", () => {
    const info = { host: "web.example", region: "eu", os: "Debian 12", tags: ["prod", 7, "a"] };
    const psi = { cpu: [0.4], mem: [3, 2.5], io: [1.2] };
    const record = modernRecord("web-042", {
      ...{ seq: 1842, run: "9f3c1a7e" },
      health: { psi, up: 864_213 },
    });
    expect(read({ ...record, info })).toMatchObject({
      id: "web-042",
      modern: true,
      run: "9f3c1a7e",
      seq: 1842,
      intervalMs: 2500,
      metrics: { storage: 37.4, network: 1.844, cpu: 12.3, mem: 25.8, load: 0.42, psi: 2.5 },
      up: 864_213,
      state: "ok",
      facts: { name: "web.example", region: "eu", os: "Debian 12", tags: ["prod", "a"] },
    });
  });

  it("may bring the verdict of its node", () => {
    const state = { s: "crit", rule: "cpu", value: 97.1, limit: 95, since: 5 };
    expect(read({ ...modernRecord("a"), state })).toMatchObject({
      state: "crit",
      verdict: { rule: "cpu", value: 97.1, limit: 95, since: 5 },
    });
    expect(read({ ...modernRecord("a"), state: { s: "gone" } }).state).toBe("ok");
  });

  it("may miss every block but its id", () => {
    expect(read({ id: "bare", v: 2 })).toMatchObject({
      metrics: { storage: unknown, network: unknown, ...noMetrics },
      ...{ up: unknown, run: "", seq: unknown, intervalMs: 2500, facts: null, state: "ok" },
    });
  });

  it("keeps a measured zero apart from the unknown", () => {
    const reading = read(modernRecord("idle", { health: { network: 0, cpu: { pct: 0 } } }));
    expect(reading.metrics).toMatchObject({ network: 0, cpu: 0 });
  });
});

describe("a record of an original agent", () => {
  it("has storage and network of unknown unit, and nothing else", () => {
    expect(read(oldRecord("old"))).toMatchObject({
      modern: false,
      metrics: { storage: 61, network: 7.25, ...noMetrics },
    });
  });

  it("may have numbers that are no percentages", () => {
    expect(read(oldRecord("old", 51_200_000_000, 9e9)).metrics).toMatchObject({
      storage: 51_200_000_000,
      network: 9e9,
    });
  });
});

describe("a wrong type", () => {
  const wrong = [
    ...[null, "12", "", true, [], {}, [1]],
    ...[Number.NaN, Number.POSITIVE_INFINITY, -1, 1e300],
  ];

  it.each(wrong)("%j as a number is not known", (value) => {
    const reading = read(
      modernRecord("odd", {
        health: { storage: value, network: value, cpu: { pct: value }, mem: { pct: value } },
      }),
    );
    expect(reading.metrics).toMatchObject({
      ...{ storage: unknown, network: unknown, cpu: unknown, mem: unknown },
    });
  });

  it.each([null, 3, "x", [], true])("%j as a block is as if it were missing", (value) => {
    const blocks = { cpu: value, mem: value, load: value, psi: value };
    expect(read(modernRecord("odd", { health: blocks })).metrics).toMatchObject(noMetrics);
    expect(read({ id: "odd", v: 2, health: value }).metrics.storage).toBeNaN();
    expect(read({ id: "odd", v: 2, info: value, state: value }).state).toBe("ok");
  });

  it.each([[["1", 2, 3]], [[null, 3]], [[-3]], [{ 0: 1, 1: 2, 2: 3 }]])(
    "%j is no set of load averages",
    (value) => {
      expect(read(modernRecord("odd", { health: { load: value } })).metrics.load).toBeNaN();
    },
  );

  it("in version, run, sequence or interval falls back", () => {
    const reading = read({ id: "odd", v: "2", run: 7, seq: "9", interval_ms: "fast" });
    expect(reading).toMatchObject({ modern: false, run: "", seq: unknown, intervalMs: 2500 });
  });

  it.each([undefined, null, 3, "text", [], {}, { id: "" }, { id: null }, { id: {} }, { id: true }])(
    "%j is no record",
    (value) => {
      expect(readRecord(value)).toBeNull();
    },
  );

  it("never comes from the prototype", () => {
    const reading = read({ id: "__proto__", v: 2, health: { cpu: "x" } });
    expect(reading.id).toBe("__proto__");
    expect(reading.metrics.cpu).toBeNaN();
  });
});

describe("an id", () => {
  it.each([
    ["web", "web"],
    [7, "7"],
    [Number.NaN, null],
    ["", null],
    [null, null],
    [{}, null],
    ["x".repeat(1024), "x".repeat(1024)],
    ["x".repeat(1025), null],
  ])("%j reads as %j", (given, expected) => {
    expect(readId(given)).toBe(expected);
  });

  it("is shown escaped and short", () => {
    const { short, long } = makeLabel(`Spoof\u202E${"x".repeat(300)}`);
    expect(short).toBe(`Spoof\\u{202e}${"x".repeat(58)}…`);
    expect(long.length).toBeGreaterThan(200);
  });
});

it("flags are bits", () => {
  expect([0, 1, 2, 4, 7].map(flagsOf)).toEqual([
    ...[[], ["dup"], ["muted"], ["flapping"]],
    ["dup", "muted", "flapping"],
  ]);
});

it.each([
  [1000, 7500],
  [2500, 7500],
  [5000, 15_000],
  [60_000, 180_000],
  [1, 7500],
  [9e9, 180_000],
])("with an interval of %d ms a host is stale after %d ms", (interval, expected) => {
  expect(staleAfterMs(read(modernRecord("a", { interval })).intervalMs)).toBe(expected);
});
