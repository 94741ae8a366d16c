import { beforeEach, describe, expect, it } from "vitest";
import { Arrangement } from "../../src/model/arrangement";
import { Fleet } from "../../src/model/fleet";
import { defaultQuery, type Query } from "../../src/model/route";
import { modernRecord } from "../support";

let fleet: Fleet;
let arrangement: Arrangement;
let seq: number;

beforeEach(() => {
  seq = 1;
  fleet = new Fleet();
  arrangement = new Arrangement(fleet);
  fleet.replaceAll([modernRecord("b"), modernRecord("a"), modernRecord("c")], 0);
});

const open: ReadonlySet<string> = new Set();

const refresh = (query: Query, held: boolean, now: number): boolean =>
  arrangement.refresh(query, open, held, now);

const shown = (): string[] =>
  arrangement.entries.map((slot) => {
    if (slot < 0) {
      const group = arrangement.groups[~slot];
      return `${group?.key} ${group?.worst} ${group?.counts.total}`;
    }
    return fleet.state(slot) === "gone" ? `(${fleet.id(slot)})` : fleet.id(slot);
  });

const setCpu = (id: string, pct: number): void => {
  seq += 1;
  fleet.update(modernRecord(id, { seq, health: { cpu: { pct } } }), 0);
};

const byCpu: Query = { ...defaultQuery, sort: { key: "cpu", descending: true } };
const staleOnly: Query = { ...defaultQuery, q: "state:stale" };

describe("rows", () => {
  it("come at once, by id", () => {
    expect(refresh(defaultQuery, false, 0)).toBe(true);
    expect(shown()).toEqual(["a", "b", "c"]);
  });

  it("are the same list while nothing comes or goes", () => {
    refresh(defaultQuery, false, 0);
    const { entries } = arrangement;
    setCpu("a", 90);
    expect(refresh(defaultQuery, false, 60_000)).toBe(false);
    expect(arrangement.entries).toBe(entries);
  });

  it("show who comes and drop who goes", () => {
    refresh(defaultQuery, false, 0);
    fleet.update(modernRecord("aa"), 0);
    fleet.remove("c");
    expect(refresh(defaultQuery, false, 2000)).toBe(true);
    expect(shown()).toEqual(["a", "aa", "b"]);
  });

  it("are put in a new order at most each two seconds", () => {
    refresh(byCpu, false, 0);
    setCpu("c", 99);
    refresh(byCpu, false, 1999);
    expect(shown()).toEqual(["a", "b", "c"]);
    refresh(byCpu, false, 2000);
    expect(shown()).toEqual(["c", "a", "b"]);
    setCpu("a", 100);
    refresh(byCpu, false, 3999);
    expect(shown()).toEqual(["c", "a", "b"]);
    refresh(byCpu, false, 4000);
    expect(shown()).toEqual(["a", "c", "b"]);
  });

  it("say that a host is gone until they are renewed", () => {
    refresh(defaultQuery, false, 0);
    fleet.remove("b");
    refresh(defaultQuery, false, 500);
    expect(shown()).toEqual(["a", "(b)", "c"]);
    refresh(defaultQuery, false, 2000);
    expect(shown()).toEqual(["a", "c"]);
  });

  it("show no gap when an agent comes back on another connection", () => {
    refresh(defaultQuery, false, 0);
    fleet.remove("b");
    fleet.update(modernRecord("b", { run: "next" }), 100);
    refresh(defaultQuery, false, 100);
    expect(shown()).toEqual(["a", "b", "c"]);
    expect(arrangement.entries[1]).toBe(fleet.find("b"));
  });

  it("show who came while they were not renewed, when that is due", () => {
    refresh(defaultQuery, false, 0);
    fleet.update(modernRecord("aa"), 0);
    refresh(defaultQuery, false, 500);
    expect(shown()).toEqual(["a", "b", "c"]);
    refresh(defaultQuery, false, 2000);
    expect(shown()).toEqual(["a", "aa", "b", "c"]);
  });

  it("are all there at once when a list comes right after a single update", () => {
    const early = new Fleet();
    const rows = new Arrangement(early);
    early.update(modernRecord("b"), 0);
    rows.refresh(defaultQuery, open, false, 0);
    early.replaceAll([modernRecord("a"), modernRecord("b", { seq: 2 })], 5);
    rows.refresh(defaultQuery, open, false, 5);
    expect(rows.entries.map((slot) => early.id(slot))).toEqual(["a", "b"]);
  });

  it("appear without delay in an empty table", () => {
    fleet.replaceAll([], 0);
    refresh(defaultQuery, false, 0);
    fleet.update(modernRecord("z"), 0);
    refresh(defaultQuery, false, 10);
    expect(shown()).toEqual(["z"]);
  });
});

describe("rows that are looked at", () => {
  beforeEach(() => {
    refresh(defaultQuery, false, 0);
  });

  it("do not move: new hosts wait at the end, gone ones keep their place", () => {
    fleet.update(modernRecord("aa"), 0);
    fleet.remove("b");
    refresh(defaultQuery, true, 60_000);
    expect(shown()).toEqual(["a", "(b)", "c", "aa"]);
    expect(arrangement.waiting).toBe(2);
  });

  it("are put right when the look ends", () => {
    fleet.update(modernRecord("aa"), 0);
    fleet.remove("b");
    refresh(defaultQuery, true, 60_000);
    refresh(defaultQuery, false, 60_001);
    expect(shown()).toEqual(["a", "aa", "c"]);
    expect(arrangement.waiting).toBe(0);
  });

  it("give a host that returns its old place, once", () => {
    fleet.remove("b");
    refresh(defaultQuery, true, 5000);
    fleet.update(modernRecord("b"), 0);
    refresh(defaultQuery, true, 5100);
    expect(shown()).toEqual(["a", "b", "c"]);
    expect(arrangement.entries[1]).toBe(fleet.find("b"));
    expect(arrangement.waiting).toBe(0);
  });

  it("count each waiting host once, over many repaints", () => {
    fleet.update(modernRecord("x"), 0);
    refresh(defaultQuery, true, 100);
    fleet.update(modernRecord("y"), 0);
    refresh(defaultQuery, true, 200);
    expect(refresh(defaultQuery, true, 300)).toBe(false);
    expect(arrangement.waiting).toBe(2);
    expect(shown()).toEqual(["a", "b", "c", "x", "y"]);
  });

  it("keep the order of a live column", () => {
    refresh(byCpu, true, 100);
    setCpu("c", 99);
    refresh(byCpu, true, 90_000);
    expect(shown()).toEqual(["a", "b", "c"]);
  });

  it("do not move for a new list of the whole fleet", () => {
    fleet.replaceAll([modernRecord("aa"), modernRecord("c", { seq: 2 })], 100);
    refresh(defaultQuery, true, 100);
    expect(shown()).toEqual(["(a)", "(b)", "c", "aa"]);
    refresh(defaultQuery, false, 101);
    expect(shown()).toEqual(["aa", "c"]);
  });

  it("obey the operator at once", () => {
    setCpu("c", 99);
    refresh(byCpu, true, 1);
    expect(shown()).toEqual(["c", "a", "b"]);
  });
});

describe("a search", () => {
  it.each([
    ["", ["a", "b", "c"]],
    ["B", ["b"]],
    ["-b", ["a", "c"]],
    ["cpu>50", ["c"]],
  ])("%j shows %j", (q, ids) => {
    setCpu("c", 60);
    refresh({ ...defaultQuery, q }, false, 0);
    expect(shown()).toEqual(ids);
  });

  it("that is wrong leaves what was shown, and says why", () => {
    refresh({ ...defaultQuery, q: "b" }, false, 0);
    refresh({ ...defaultQuery, q: "b state:" }, false, 1);
    expect(shown()).toEqual(["b"]);
    expect(arrangement.problem).toEqual({ error: "missing_value", at: 8 });
    refresh({ ...defaultQuery, q: "c" }, false, 2);
    expect(arrangement.problem).toBeNull();
  });

  it("by state follows hosts as they change", () => {
    refresh(staleOnly, false, 0);
    expect(shown()).toEqual([]);
    fleet.tick(7501);
    refresh(staleOnly, false, 7501);
    expect(shown()).toEqual(["a", "b", "c"]);
    fleet.update(modernRecord("b", { seq: 2 }), 8000);
    refresh(staleOnly, false, 9600);
    expect(shown()).toEqual(["a", "c"]);
  });
});

it("ten thousand rows are put in order quickly when one host comes", () => {
  const many = Array.from({ length: 10_000 }, (_, i) => modernRecord(`host-${i}`));
  fleet.replaceAll(many, 0);
  refresh(defaultQuery, false, 10_000);
  fleet.update(modernRecord("host-5000b"), 0);
  const start = performance.now();
  refresh(defaultQuery, false, 20_000);
  expect(performance.now() - start).toBeLessThan(1000);
  expect(arrangement.entries).toHaveLength(10_001);
});

describe("groups", () => {
  const tagged = (id: string, seq: number, ...tags: string[]) => ({
    ...modernRecord(id, { seq }),
    info: { host: id, region: "eu", tags },
  });

  beforeEach(() => {
    fleet.replaceAll(
      [
        tagged("a", 2, "role:web"),
        tagged("b", 2, "role:db", "x"),
        tagged("c", 2),
        tagged("d", 1, "role:web"),
      ],
      0,
    );
  });

  it("gather hosts by the value of a tag, those without it at the end", () => {
    refresh({ ...defaultQuery, group: "tag:role" }, false, 0);
    expect(shown()).toEqual(["db ok 1", "b", "web ok 2", "a", "d", " ok 1", "c"]);
  });

  it("are closed one by one", () => {
    arrangement.refresh({ ...defaultQuery, group: "tag:role" }, new Set(["web"]), false, 0);
    expect(shown()).toEqual(["db ok 1", "b", "web ok 2", " ok 1", "c"]);
    expect(arrangement.matched).toHaveLength(4);
  });

  it("by state stand the worst first and follow states", () => {
    const byState = { ...defaultQuery, group: "state" };
    refresh(byState, false, 0);
    expect(shown()).toEqual(["ok ok 4", "a", "b", "c", "d"]);
    fleet.turn("c", "crit", { rule: "cpu", value: 99, limit: 95, since: 0 });
    refresh(byState, false, 2000);
    expect(shown()).toEqual(["crit crit 1", "c", "ok ok 3", "a", "b", "d"]);
  });

  it("have counts that follow while the rows stay", () => {
    const byRegion = { ...defaultQuery, group: "region" };
    refresh(byRegion, false, 0);
    fleet.turn("c", "warn", { rule: "cpu", value: 90, limit: 85, since: 0 });
    refresh(byRegion, false, 2000);
    expect(shown()[0]).toBe("eu warn 4");
    expect(arrangement.groups[0]?.counts).toMatchObject({ ok: 3, warn: 1 });
  });
});
