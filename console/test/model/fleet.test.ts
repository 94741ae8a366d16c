import { beforeEach, describe, expect, it } from "vitest";
import { Fleet } from "../../src/model/fleet";
import { modernRecord, oldRecord } from "../support";

let changes: string[];
let fleet: Fleet;

beforeEach(() => {
  changes = [];
  fleet = new Fleet((kind, host) => changes.push(`${kind} ${host.id}`));
});

const ids = (): string[] => [...fleet.hosts()].map((host) => host.id);

describe("load_clients", () => {
  it("fills the fleet, and the first one is no news", () => {
    expect(fleet.replaceAll([modernRecord("a"), oldRecord("b")], 10)).toBe(true);
    expect(ids()).toEqual(["a", "b"]);
    expect(fleet.counts).toEqual({ all: 2, ok: 2, stale: 0 });
    expect(fleet.get("a")?.seenAt).toBe(10);
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
    expect(fleet.counts.all).toBe(0);
  });

  it("does not make a silent host look fresh", () => {
    fleet.replaceAll([modernRecord("a", { seq: 7 })], 0);
    fleet.tick(8000);
    fleet.replaceAll([modernRecord("a", { seq: 7 })], 9000);
    expect(fleet.get("a")).toMatchObject({ seenAt: 0, state: "stale" });
    fleet.replaceAll([modernRecord("a", { seq: 8 })], 9500);
    expect(fleet.get("a")).toMatchObject({ seenAt: 9500, state: "ok" });
  });

  it("keeps one row when it names an id twice", () => {
    fleet.replaceAll([modernRecord("a", { run: "r", seq: 1 }), modernRecord("a", { run: "s" })], 0);
    expect(fleet.counts.all).toBe(1);
    expect(fleet.get("a")?.reading.run).toBe("s");
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
    const host = fleet.get("a");
    const { structure } = fleet;
    fleet.update(modernRecord("a", { seq: 2, health: { cpu: { pct: 99 } } }), 2500);
    expect(fleet.get("a")).toBe(host);
    expect(host).toMatchObject({ rev: 1, seenAt: 2500, reading: { cpu: 99 } });
    expect(fleet.structure).toBe(structure);
  });

  it("drops a sample that is not newer", () => {
    fleet.update(modernRecord("a", { seq: 5, health: { storage: 50 } }), 0);
    fleet.update(modernRecord("a", { seq: 4, health: { storage: 40 } }), 100);
    expect(fleet.get("a")).toMatchObject({ seenAt: 0, reading: { storage: 50 } });
    expect(fleet.dropped).toBe(1);
  });

  it("takes a restarted agent, which counts from the start again", () => {
    fleet.update(modernRecord("a", { run: "r", seq: 900 }), 0);
    fleet.update(modernRecord("a", { run: "s", seq: 1 }), 100);
    expect(fleet.get("a")).toMatchObject({ seenAt: 100, reading: { run: "s", seq: 1 } });
  });

  it("forgets a value that the newest sample does not have", () => {
    fleet.update(modernRecord("a"), 0);
    fleet.update(modernRecord("a", { seq: 2, health: { cpu: undefined } }), 100);
    expect(fleet.get("a")?.reading.cpu).toBeNull();
  });
});

describe("web_client_disconnect", () => {
  it("removes by the bare id", () => {
    fleet.update(modernRecord("a"), 0);
    const host = fleet.get("a");
    fleet.remove("a");
    expect(fleet.get("a")).toBeUndefined();
    expect(host?.state).toBe("gone");
    expect(changes.at(-1)).toBe("left a");
  });

  it("finds an old host whose id was a number", () => {
    fleet.update(oldRecord(7 as unknown as string), 0);
    fleet.remove(7);
    expect(fleet.counts.all).toBe(0);
  });

  it.each([undefined, null, {}, [], "nobody", { id: "a" }])("%j removes nothing", (id) => {
    fleet.update(modernRecord("a"), 0);
    fleet.remove(id);
    expect(fleet.counts.all).toBe(1);
  });

  it("keeps the counts right when the host was stale", () => {
    fleet.update(modernRecord("a"), 0);
    fleet.tick(7501);
    fleet.remove("a");
    expect(fleet.counts).toEqual({ all: 0, ok: 0, stale: 0 });
  });

  it("followed by an update is a new host: the id moved to a new socket", () => {
    fleet.update(modernRecord("a"), 0);
    const before = fleet.get("a");
    fleet.remove("a");
    fleet.update(modernRecord("a", { seq: 2 }), 10);
    expect(fleet.get("a")).not.toBe(before);
    expect(fleet.get("a")?.state).toBe("ok");
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
    expect(fleet.counts).toEqual({ all: 2, ok: 1, stale: 1 });
    fleet.tick(15_001);
    expect(changes.filter((change) => change.startsWith("stale"))).toEqual([
      "stale fast",
      "stale slow",
    ]);
  });

  it("leaves a host that reports again", () => {
    fleet.update(modernRecord("a"), 0);
    fleet.tick(7501);
    const { structure } = fleet;
    fleet.update(modernRecord("a", { seq: 2 }), 8000);
    expect(fleet.counts.stale).toBe(0);
    expect(fleet.structure).toBeGreaterThan(structure);
    expect(changes.at(-1)).toBe("ok a");
  });

  it("makes an original host stale after 7.5 s", () => {
    fleet.update(oldRecord("old"), 0);
    fleet.tick(7501);
    expect(fleet.get("old")?.state).toBe("stale");
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
