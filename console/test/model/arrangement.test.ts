import { beforeEach, describe, expect, it } from "vitest";
import { Arrangement, defaultQuery, matcher, type Query } from "../../src/model/arrangement";
import { Fleet } from "../../src/model/fleet";
import { host, modernRecord } from "../support";

let fleet: Fleet;
let arrangement: Arrangement;
let seq: number;

beforeEach(() => {
  seq = 1;
  fleet = new Fleet();
  arrangement = new Arrangement(fleet);
  fleet.replaceAll([modernRecord("b"), modernRecord("a"), modernRecord("c")], 0);
});

const shown = (): string[] =>
  arrangement.rows.map(({ id, state }) => (state === "gone" ? `(${id})` : id));

const setCpu = (id: string, pct: number): void => {
  seq += 1;
  fleet.update(modernRecord(id, { seq, health: { cpu: { pct } } }), 0);
};

const byCpu: Query = { ...defaultQuery, sort: { key: "cpu", descending: true } };
const staleOnly: Query = { ...defaultQuery, state: "stale" };

describe("rows", () => {
  it("come at once, by id", () => {
    expect(arrangement.refresh(defaultQuery, false, 0)).toBe(true);
    expect(shown()).toEqual(["a", "b", "c"]);
  });

  it("are the same list while nothing comes or goes", () => {
    arrangement.refresh(defaultQuery, false, 0);
    const { rows } = arrangement;
    setCpu("a", 90);
    expect(arrangement.refresh(defaultQuery, false, 60_000)).toBe(false);
    expect(arrangement.rows).toBe(rows);
  });

  it("show who comes and drop who goes", () => {
    arrangement.refresh(defaultQuery, false, 0);
    fleet.update(modernRecord("aa"), 0);
    fleet.remove("c");
    expect(arrangement.refresh(defaultQuery, false, 2000)).toBe(true);
    expect(shown()).toEqual(["a", "aa", "b"]);
  });

  it("are put in a new order at most each two seconds", () => {
    arrangement.refresh(byCpu, false, 0);
    setCpu("c", 99);
    arrangement.refresh(byCpu, false, 1999);
    expect(shown()).toEqual(["a", "b", "c"]);
    arrangement.refresh(byCpu, false, 2000);
    expect(shown()).toEqual(["c", "a", "b"]);
    setCpu("a", 100);
    arrangement.refresh(byCpu, false, 3999);
    expect(shown()).toEqual(["c", "a", "b"]);
    arrangement.refresh(byCpu, false, 4000);
    expect(shown()).toEqual(["a", "c", "b"]);
  });

  it("say that a host is gone until they are renewed", () => {
    arrangement.refresh(defaultQuery, false, 0);
    fleet.remove("b");
    arrangement.refresh(defaultQuery, false, 500);
    expect(shown()).toEqual(["a", "(b)", "c"]);
    arrangement.refresh(defaultQuery, false, 2000);
    expect(shown()).toEqual(["a", "c"]);
  });

  it("show no gap when an agent comes back on another connection", () => {
    arrangement.refresh(defaultQuery, false, 0);
    fleet.remove("b");
    fleet.update(modernRecord("b", { run: "next" }), 100);
    arrangement.refresh(defaultQuery, false, 100);
    expect(shown()).toEqual(["a", "b", "c"]);
    expect(arrangement.rows[1]).toBe(fleet.get("b"));
  });

  it("show who came while they were not renewed, when that is due", () => {
    arrangement.refresh(defaultQuery, false, 0);
    fleet.update(modernRecord("aa"), 0);
    arrangement.refresh(defaultQuery, false, 500);
    expect(shown()).toEqual(["a", "b", "c"]);
    arrangement.refresh(defaultQuery, false, 2000);
    expect(shown()).toEqual(["a", "aa", "b", "c"]);
  });

  it("are all there at once when a list comes right after a single update", () => {
    const early = new Fleet();
    const rows = new Arrangement(early);
    early.update(modernRecord("b"), 0);
    rows.refresh(defaultQuery, false, 0);
    early.replaceAll([modernRecord("a"), modernRecord("b", { seq: 2 })], 5);
    rows.refresh(defaultQuery, false, 5);
    expect(rows.rows.map(({ id }) => id)).toEqual(["a", "b"]);
  });

  it("appear without delay in an empty table", () => {
    fleet.replaceAll([], 0);
    arrangement.refresh(defaultQuery, false, 0);
    fleet.update(modernRecord("z"), 0);
    arrangement.refresh(defaultQuery, false, 10);
    expect(shown()).toEqual(["z"]);
  });
});

describe("rows that are looked at", () => {
  beforeEach(() => {
    arrangement.refresh(defaultQuery, false, 0);
  });

  it("do not move: new hosts wait at the end, gone ones keep their place", () => {
    fleet.update(modernRecord("aa"), 0);
    fleet.remove("b");
    arrangement.refresh(defaultQuery, true, 60_000);
    expect(shown()).toEqual(["a", "(b)", "c", "aa"]);
    expect(arrangement.waiting).toBe(2);
  });

  it("are put right when the look ends", () => {
    fleet.update(modernRecord("aa"), 0);
    fleet.remove("b");
    arrangement.refresh(defaultQuery, true, 60_000);
    arrangement.refresh(defaultQuery, false, 60_001);
    expect(shown()).toEqual(["a", "aa", "c"]);
    expect(arrangement.waiting).toBe(0);
  });

  it("give a host that returns its old place, once", () => {
    fleet.remove("b");
    arrangement.refresh(defaultQuery, true, 5000);
    fleet.update(modernRecord("b"), 0);
    arrangement.refresh(defaultQuery, true, 5100);
    expect(shown()).toEqual(["a", "b", "c"]);
    expect(arrangement.rows[1]).toBe(fleet.get("b"));
    expect(arrangement.waiting).toBe(0);
  });

  it("count each waiting host once, over many repaints", () => {
    fleet.update(modernRecord("x"), 0);
    arrangement.refresh(defaultQuery, true, 100);
    fleet.update(modernRecord("y"), 0);
    arrangement.refresh(defaultQuery, true, 200);
    expect(arrangement.refresh(defaultQuery, true, 300)).toBe(false);
    expect(arrangement.waiting).toBe(2);
    expect(shown()).toEqual(["a", "b", "c", "x", "y"]);
  });

  it("keep the order of a live column", () => {
    arrangement.refresh(byCpu, true, 100);
    setCpu("c", 99);
    arrangement.refresh(byCpu, true, 90_000);
    expect(shown()).toEqual(["a", "b", "c"]);
  });

  it("do not move for a new list of the whole fleet", () => {
    fleet.replaceAll([modernRecord("aa"), modernRecord("c", { seq: 2 })], 100);
    arrangement.refresh(defaultQuery, true, 100);
    expect(shown()).toEqual(["(a)", "(b)", "c", "aa"]);
    arrangement.refresh(defaultQuery, false, 101);
    expect(shown()).toEqual(["aa", "c"]);
  });

  it("obey the operator at once", () => {
    setCpu("c", 99);
    arrangement.refresh(byCpu, true, 1);
    expect(shown()).toEqual(["c", "a", "b"]);
  });
});

describe("a query", () => {
  it.each([
    ["", true],
    ["web", true],
    ["WEB-04", true],
    ["  042  ", true],
    ["db", false],
  ])("with the words %j finds web-042: %j", (words, found) => {
    expect(matcher({ ...defaultQuery, words })(host("web-042"))).toBe(found);
  });

  it("by state follows hosts as they change", () => {
    arrangement.refresh(staleOnly, false, 0);
    expect(shown()).toEqual([]);
    fleet.tick(7501);
    arrangement.refresh(staleOnly, false, 7501);
    expect(shown()).toEqual(["a", "b", "c"]);
    fleet.update(modernRecord("b", { seq: 2 }), 8000);
    arrangement.refresh(staleOnly, false, 9600);
    expect(shown()).toEqual(["a", "c"]);
  });
});

it("ten thousand rows are put in order quickly when one host comes", () => {
  const many = Array.from({ length: 10_000 }, (_, i) => modernRecord(`host-${i}`));
  fleet.replaceAll(many, 0);
  arrangement.refresh(defaultQuery, false, 10_000);
  fleet.update(modernRecord("host-5000b"), 0);
  const start = performance.now();
  arrangement.refresh(defaultQuery, false, 20_000);
  expect(performance.now() - start).toBeLessThan(1000);
  expect(arrangement.rows).toHaveLength(10_001);
});
