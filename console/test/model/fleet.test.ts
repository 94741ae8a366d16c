import { beforeEach, describe, expect, it } from "vitest";
import { Fleet, type HostRow, readOrder } from "../../src/model/fleet";
import { noVerdict } from "../../src/model/host";
import { cols, modernRecord, oldRecord, row } from "../support";

let changes: string[];
let fleet: Fleet;

beforeEach(() => {
  changes = [];
  fleet = new Fleet((slot, from, to) => {
    const kind = to === "gone" ? "left" : from === "gone" ? "joined" : to;
    changes.push(`${kind} ${fleet.id(slot)}`);
  });
});

const ids = (): string[] => [...fleet.slots()].map((slot) => fleet.id(slot));

const get = (id: string): HostRow | undefined => {
  const slot = fleet.find(id);
  return slot === undefined ? undefined : fleet.row(slot);
};

const none = { total: 0, ok: 0, warn: 0, crit: 0, stale: 0, offline: 0 };

describe("load_clients", () => {
  it("fills the fleet, and the first one is no news", () => {
    expect(fleet.replaceAll([modernRecord("a"), oldRecord("b")], 10)).toBe(true);
    expect(ids()).toEqual(["a", "b"]);
    expect(fleet.counts).toEqual({ ...none, total: 2, ok: 2 });
    expect(get("a")?.seenAt).toBe(10);
    expect(changes).toEqual([]);
  });

  it("replaces the whole table: what it does not name is gone", () => {
    fleet.replaceAll([modernRecord("a"), modernRecord("b")], 0);
    fleet.replaceAll([modernRecord("b", { seq: 2 }), modernRecord("c")], 5);
    expect(ids().sort()).toEqual(["b", "c"]);
    expect(changes).toEqual(["joined c", "left a"]);
  });

  it("empties the fleet when it is empty", () => {
    fleet.replaceAll([modernRecord("a")], 0);
    fleet.replaceAll([], 5);
    expect(fleet.counts.total).toBe(0);
  });

  it("does not make a silent host look fresh", () => {
    fleet.replaceAll([modernRecord("a", { seq: 7 })], 0);
    fleet.tick(8000);
    fleet.replaceAll([modernRecord("a", { seq: 7 })], 9000);
    expect(get("a")).toMatchObject({ seenAt: 0, state: "stale" });
    fleet.replaceAll([modernRecord("a", { seq: 8 })], 9500);
    expect(get("a")).toMatchObject({ seenAt: 9500, state: "ok" });
  });

  it("keeps one row when it names an id twice", () => {
    fleet.replaceAll([modernRecord("a", { run: "r", seq: 1 }), modernRecord("a", { run: "s" })], 0);
    expect(fleet.counts.total).toBe(1);
    expect(fleet.samples).toBe(2);
  });

  it.each([undefined, null, "a", 3, { length: 1 }])("%j is no list and changes nothing", (list) => {
    fleet.replaceAll([modernRecord("a")], 0);
    expect(fleet.replaceAll(list, 5)).toBe(false);
    expect(ids()).toEqual(["a"]);
  });

  it("leaves out records it cannot read, and counts them", () => {
    fleet.replaceAll([null, 3, { health: {} }, modernRecord("a")], 0);
    expect(ids()).toEqual(["a"]);
    expect(fleet.dropped).toBe(3);
  });
});

describe("web_client_update", () => {
  it("adds a host that was not known", () => {
    fleet.replaceAll([], 0);
    fleet.update(modernRecord("a"), 3);
    expect(ids()).toEqual(["a"]);
    expect(changes).toEqual(["joined a"]);
  });

  it("is no news before the first list", () => {
    fleet.update(modernRecord("a"), 3);
    fleet.replaceAll([modernRecord("a"), modernRecord("b")], 4);
    expect(changes).toEqual([]);
  });

  it("changes one that is, in place, and raises its revision only", () => {
    fleet.update(modernRecord("a"), 0);
    const slot = fleet.find("a") ?? -1;
    const { structure } = fleet;
    const rev = fleet.rev(slot);
    fleet.update(modernRecord("a", { seq: 2, health: { cpu: { pct: 99 } } }), 2500);
    expect(fleet.find("a")).toBe(slot);
    expect(get("a")).toMatchObject({ seenAt: 2500, metrics: { cpu: 99 } });
    expect(fleet.rev(slot)).toBe(rev + 1);
    expect(fleet.structure).toBe(structure);
  });

  it("drops a sample that is not newer", () => {
    fleet.update(modernRecord("a", { seq: 5, health: { storage: 50 } }), 0);
    fleet.update(modernRecord("a", { seq: 4, health: { storage: 40 } }), 100);
    expect(get("a")).toMatchObject({ seenAt: 0, metrics: { storage: 50 } });
    expect(fleet.dropped).toBe(1);
  });

  it("takes a restarted agent, which counts from the start again", () => {
    fleet.update(modernRecord("a", { run: "r", seq: 900 }), 0);
    fleet.update(modernRecord("a", { run: "s", seq: 1 }), 100);
    expect(get("a")).toMatchObject({ seenAt: 100 });
  });

  it("forgets a value that the newest sample does not have", () => {
    fleet.update(modernRecord("a"), 0);
    fleet.update(modernRecord("a", { seq: 2, health: { cpu: undefined } }), 100);
    expect(get("a")?.metrics.cpu).toBeNaN();
  });
});

describe("web_client_disconnect", () => {
  it("removes by the bare id", () => {
    fleet.update(modernRecord("a"), 0);
    const slot = fleet.find("a") ?? -1;
    fleet.remove("a");
    expect(get("a")).toBeUndefined();
    expect(fleet.state(slot)).toBe("gone");
    expect(changes.at(-1)).toBe("left a");
  });

  it("finds an old host whose id was a number", () => {
    fleet.update(oldRecord(7 as unknown as string), 0);
    fleet.remove(7);
    expect(fleet.counts.total).toBe(0);
  });

  it.each([undefined, null, {}, [], "nobody", { id: "a" }])("%j removes nothing", (id) => {
    fleet.update(modernRecord("a"), 0);
    fleet.remove(id);
    expect(fleet.counts.total).toBe(1);
  });

  it("keeps the counts right when the host was stale", () => {
    fleet.update(modernRecord("a"), 0);
    fleet.tick(7501);
    fleet.remove("a");
    expect(fleet.counts).toEqual(none);
  });

  it("followed by an update has the old place again, as a new host", () => {
    fleet.update(modernRecord("a", { seq: 5 }), 0);
    const slot = fleet.find("a");
    fleet.remove("a");
    fleet.update(modernRecord("a", { seq: 2 }), 10);
    expect(fleet.find("a")).toBe(slot);
    expect(get("a")).toMatchObject({ state: "ok", seenAt: 10 });
  });

  it("frees the place for another host when no row shows it any more", () => {
    fleet.update(modernRecord("a"), 0);
    const slot = fleet.find("a") ?? -1;
    fleet.remove("a");
    fleet.update(modernRecord("b"), 10);
    expect(fleet.find("b")).not.toBe(slot);
    fleet.release();
    fleet.update(oldRecord("c"), 20);
    expect(fleet.find("c")).toBe(slot);
    expect(get("c")).toMatchObject({ label: { short: "c" }, facts: { tags: [] } });
    expect(fleet.curves.read(slot, "cpu", 20).every(Number.isNaN)).toBe(true);
  });
});

describe("a second passing", () => {
  it("makes hosts stale after three intervals, each once", () => {
    fleet.update(modernRecord("fast", { interval: 1000 }), 0);
    fleet.update(modernRecord("slow", { interval: 5000 }), 0);
    fleet.tick(7500);
    expect(fleet.counts.stale).toBe(0);
    fleet.tick(7501);
    fleet.tick(8501);
    expect(fleet.counts).toEqual({ ...none, total: 2, ok: 1, stale: 1 });
    fleet.tick(15_001);
    expect(changes.filter((change) => change.startsWith("stale"))).toEqual([
      "stale fast",
      "stale slow",
    ]);
  });

  it("leaves a host that reports again", () => {
    fleet.update(modernRecord("a"), 0);
    fleet.tick(7501);
    const { turns } = fleet;
    fleet.update(modernRecord("a", { seq: 2 }), 8000);
    expect(fleet.counts.stale).toBe(0);
    expect(fleet.turns).toBeGreaterThan(turns);
    expect(changes.at(-1)).toBe("ok a");
  });

  it("makes an original host stale after 7.5 s", () => {
    fleet.update(oldRecord("old"), 0);
    fleet.tick(7501);
    expect(get("old")?.state).toBe("stale");
  });
});

describe("ten thousand hosts", () => {
  it("are updated 40,000 times without walking the fleet", () => {
    const names = Array.from({ length: 10_000 }, (_, i) => `host-${i}`);
    fleet.replaceAll(
      names.map((name) => modernRecord(name)),
      0,
    );
    const records = names.map((name) => modernRecord(name));
    const start = performance.now();
    for (let seq = 2; seq < 6; seq += 1) {
      for (const record of records) {
        record.seq = seq;
        fleet.update(record, seq);
      }
    }
    expect(performance.now() - start).toBeLessThan(3000);
    expect(fleet.counts.ok).toBe(10_000);
  });
});

describe("rows of the second version", () => {
  const order = readOrder(cols) ?? new Map<string, number>();

  const snapshot = (...rows: unknown[][]): void => {
    fleet.begin();
    fleet.putRows(order, rows, 100);
    fleet.end();
  };

  it("fill every column", () => {
    snapshot(row("a", { state: "crit", flags: 5, rule: "cpu", value: 97, limit: 95, since: 9 }));
    const { metrics, ...host } = get("a") as HostRow;
    expect(metrics.network).toBeCloseTo(1.844);
    expect(host).toMatchObject({
      ...{ state: "crit", flags: 5, up: 3600, modern: true, seenAt: 100 },
      facts: { name: "a.example", region: "eu", tags: ["prod"] },
      verdict: { rule: "cpu", value: 97, limit: 95, since: 9 },
    });
  });

  it("replace what the snapshot does not name, over all of its chunks", () => {
    snapshot(row("a"), row("b"));
    fleet.begin();
    fleet.putRows(order, [row("b")], 200);
    fleet.putRows(order, [row("c")], 200);
    expect(ids().sort()).toEqual(["a", "b", "c"]);
    fleet.end();
    expect(ids().sort()).toEqual(["b", "c"]);
  });

  it("may have the operating system", () => {
    const wide = readOrder([...cols, "os"]) ?? order;
    fleet.putRows(wide, [[...row("a"), "Debian 12"]], 0);
    expect(get("a")?.facts.os).toBe("Debian 12");
    fleet.putRows(order, [row("a")], 0);
    expect(get("a")?.facts.os).toBe("Debian 12");
  });

  it("have their own order of columns", () => {
    fleet.putRows(readOrder(["cpu", "id"]) ?? order, [[5, "x"]], 0);
    expect(get("x")?.metrics).toMatchObject({ cpu: 5, mem: Number.NaN });
  });

  it.each([[null], [3], [["id", 1]], [[null, "ok"]]])("%j is no row and changes nothing", (bad) => {
    snapshot(row("a"));
    fleet.putRows(
      order,
      [bad].map((one) => (Array.isArray(one) ? [{}, ...one] : one)),
      0,
    );
    expect(ids()).toEqual(["a"]);
    expect(fleet.dropped).toBe(1);
  });

  it("leave silence to the node", () => {
    snapshot(row("a"));
    fleet.tick(1e9);
    expect(get("a")?.state).toBe("ok");
  });

  it("tell ages on the node's clock, however far that is from this page's", () => {
    snapshot(row("a", { seen: 5_000_000 }), row("b", { seen: 4_990_000 }));
    expect(get("a")?.seenAt).toBe(100);
    expect(get("b")?.seenAt).toBe(100 - 10_000);
  });

  it("turn by a word of their own, at once", () => {
    snapshot(row("a"));
    fleet.turn("a", "warn", { rule: "mem", value: 90, limit: 85, since: 1 });
    expect(get("a")).toMatchObject({ state: "warn", verdict: { rule: "mem" } });
    fleet.turn("a", "ok", noVerdict);
    fleet.turn("a", "odd", noVerdict);
    fleet.turn("nobody", "crit", noVerdict);
    expect(get("a")?.state).toBe("ok");
    expect(changes).toEqual(["warn a", "ok a"]);
  });

  it("of ten thousand hosts take little of the heap, and updates none", () => {
    const rows = Array.from({ length: 10_000 }, (_, i) => row(`host-${i}`, { flags: i % 2 }));
    snapshot(...rows);
    const { facts } = fleet;
    const before = [...facts];
    const start = performance.now();
    for (let round = 0; round < 4; round += 1) fleet.putRows(order, rows, round);
    expect(performance.now() - start).toBeLessThan(2000);
    expect(facts.every((one, at) => one === before[at])).toBe(true);
  });

  it("name the keys of tags, the most frequent first", () => {
    snapshot(row("a", { tags: ["x:1", "y:1"] }), row("b", { tags: ["y:2", "z"] }));
    expect(fleet.tagKeys()).toEqual(["y", "x"]);
  });
});
