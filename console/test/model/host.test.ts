import { describe, expect, it } from "vitest";
import {
  isOld,
  makeHost,
  type Reading,
  readId,
  readRecord,
  staleAfterMs,
} from "../../src/model/host";
import { host, modernRecord, oldRecord } from "../support";

const read = (value: unknown): Reading => {
  const reading = readRecord(value);
  if (reading === null) throw new Error("no reading");
  return reading;
};

describe("a record of a mad agent", () => {
  it("is read whole", () => {
    expect(read(modernRecord("web-042", { seq: 1842, run: "9f3c1a7e" }))).toEqual({
      id: "web-042",
      socket: "socket-of-web-042",
      modern: true,
      run: "9f3c1a7e",
      seq: 1842,
      intervalMs: 2500,
      storage: 37.4,
      network: 1.844,
      cpu: 12.3,
      memory: 25.8,
      memoryTotal: 16_777_216_000,
      load: [0.42, 0.51, 0.47],
    });
  });

  it("may miss every block but its id", () => {
    expect(read({ id: "bare", v: 2 })).toMatchObject({
      storage: null,
      network: null,
      cpu: null,
      memory: null,
      memoryTotal: null,
      load: null,
      run: null,
      seq: null,
      socket: null,
      intervalMs: 2500,
    });
  });

  it("keeps a measured zero apart from the unknown", () => {
    const reading = read(modernRecord("idle", { health: { network: 0, cpu: { pct: 0 } } }));
    expect(reading).toMatchObject({ network: 0, cpu: 0 });
  });
});

describe("a record of an original agent", () => {
  it("has storage and network of unknown unit, and nothing else", () => {
    expect(read(oldRecord("old"))).toMatchObject({
      modern: false,
      storage: 61,
      network: 7.25,
      cpu: null,
      memory: null,
      load: null,
    });
  });

  it("may have numbers that are no percentages", () => {
    expect(read(oldRecord("old", 51_200_000_000, 9e9))).toMatchObject({
      storage: 51_200_000_000,
      network: 9e9,
    });
  });
});

describe("a wrong type", () => {
  const wrong = [
    null,
    "12",
    "",
    true,
    [],
    {},
    [1],
    Number.NaN,
    Number.POSITIVE_INFINITY,
    -1,
    1e300,
  ];

  it.each(wrong)("%j as a number is not known", (value) => {
    const reading = read(
      modernRecord("odd", {
        health: { storage: value, network: value, cpu: { pct: value }, mem: { pct: value } },
      }),
    );
    expect(reading).toMatchObject({ storage: null, network: null, cpu: null, memory: null });
  });

  it.each([null, 3, "x", [], true])("%j as a block is as if it were missing", (value) => {
    const reading = read(modernRecord("odd", { health: { cpu: value, mem: value, load: value } }));
    expect(reading).toMatchObject({ cpu: null, memory: null, memoryTotal: null, load: null });
    expect(read({ id: "odd", v: 2, health: value }).storage).toBeNull();
  });

  it.each([[[1, 2]], [["1", 2, 3]], [[1, null, 3]], [[1, 2, -3]], [{ 0: 1, 1: 2, 2: 3 }]])(
    "%j is no set of load averages",
    (value) => {
      expect(read(modernRecord("odd", { health: { load: value } })).load).toBeNull();
    },
  );

  it("in version, run, sequence or interval falls back", () => {
    const reading = read({ id: "odd", v: "2", run: 7, seq: "9", interval_ms: "fast" });
    expect(reading).toMatchObject({ modern: false, run: null, seq: null, intervalMs: 2500 });
  });

  it.each([undefined, null, 3, "text", [], {}, { id: "" }, { id: null }, { id: {} }, { id: true }])(
    "%j is no record",
    (value) => {
      expect(readRecord(value)).toBeNull();
    },
  );

  it("never comes from the prototype", () => {
    expect(read({ id: "__proto__", v: 2, health: { cpu: "x" } })).toMatchObject({
      id: "__proto__",
      cpu: null,
    });
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

  it("is shown escaped and short, and kept whole to compare", () => {
    const id = `Spoof\u202E${"x".repeat(300)}`;
    const made = makeHost(read({ id }), 5);
    expect(made.id).toBe(id);
    expect(made.label).toBe(`Spoof\\u{202e}${"x".repeat(58)}…`);
    expect(made.title.length).toBeGreaterThan(200);
    expect(made.search.startsWith("spoof")).toBe(true);
    expect(made).toMatchObject({ seenAt: 5, state: "ok" });
  });
});

describe("liveness", () => {
  it.each([
    [1000, 7500],
    [2500, 7500],
    [5000, 15_000],
    [60_000, 180_000],
    [1, 7500],
    [9e9, 180_000],
  ])("with an interval of %d ms a host is stale after %d ms", (interval, expected) => {
    expect(staleAfterMs(host("a", { interval }))).toBe(expected);
  });

  it.each([
    ["a higher sequence of the same run is new", "r", 2, false],
    ["the same sequence of the same run is old", "r", 1, true],
    ["a lower sequence of the same run is old", "r", 0, true],
    ["another run is new whatever its sequence", "s", 0, false],
  ])("%s", (_name, run, seq, old) => {
    const last = read(modernRecord("a", { run: "r", seq: 1 }));
    expect(isOld(last, read(modernRecord("a", { run, seq })))).toBe(old);
  });

  it("a record without a sequence is always new", () => {
    expect(isOld(read(oldRecord("a")), read(oldRecord("a")))).toBe(false);
  });
});
