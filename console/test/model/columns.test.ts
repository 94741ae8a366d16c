import { describe, expect, it } from "vitest";
import {
  columnKeys,
  comparator,
  compareIds,
  defaultSort,
  isLiveSort,
  nextSort,
  type Sort,
} from "../../src/model/columns";
import type { Host } from "../../src/model/host";
import { host } from "../support";

const sorted = (hosts: Host[], sort: Sort): string[] =>
  [...hosts].sort(comparator(sort)).map(({ id }) => id);

const cpu = (id: string, pct: unknown): Host => host(id, { health: { cpu: { pct } } });

describe("the order of rows", () => {
  it("is by id as people count, unless asked otherwise", () => {
    const hosts = ["web-10", "db-1", "web-2", "Web-1"].map((id) => host(id));
    expect(sorted(hosts, defaultSort)).toEqual(["db-1", "Web-1", "web-2", "web-10"]);
  });

  it("never finds two different ids equal", () => {
    expect(compareIds(host("web-1"), host("WEB-1"))).not.toBe(0);
    expect(compareIds(host("web-1"), host("web-01"))).not.toBe(0);
    expect(compareIds(host("same"), host("same"))).toBe(0);
  });

  it("by a value puts the unknown last, up or down", () => {
    const hosts = [cpu("a", null), cpu("b", 5), cpu("c", 90)];
    expect(sorted(hosts, { key: "cpu", descending: true })).toEqual(["c", "b", "a"]);
    expect(sorted(hosts, { key: "cpu", descending: false })).toEqual(["b", "c", "a"]);
  });

  it("keeps equal values in the order of ids", () => {
    const hosts = [cpu("c", 5), cpu("a", 5), cpu("b", 5)];
    expect(sorted(hosts, { key: "cpu", descending: true })).toEqual(["a", "b", "c"]);
  });

  it.each([
    ["storage", { storage: 99 }],
    ["network", { network: 999 }],
    ["memory", { mem: { pct: 99 } }],
    ["load", { load: [9, 0, 0] }],
  ] as const)("by %s puts the largest first", (key, health) => {
    const hosts = [host("a"), host("b", { health })];
    expect(sorted(hosts, { key, descending: true })).toEqual(["b", "a"]);
  });

  it("by state puts stale hosts first, by age the oldest", () => {
    const late = host("late", {}, 100);
    const fresh = host("fresh", {}, 900);
    expect(sorted([fresh, late], { key: "seen", descending: true })).toEqual(["late", "fresh"]);
    late.state = "stale";
    expect(sorted([fresh, late], { key: "state", descending: true })).toEqual(["late", "fresh"]);
  });

  it("is total for every column: sorting twice changes nothing", () => {
    const hosts = [cpu("c", 5), cpu("a", null), cpu("b", 5), cpu("d", 0)];
    for (const key of columnKeys) {
      const once = sorted(hosts, { key, descending: true });
      expect(sorted([...hosts].reverse(), { key, descending: true })).toEqual(once);
    }
  });
});

describe("a click on a column's head", () => {
  it("turns the order round when it is by that column", () => {
    expect(nextSort(defaultSort, "id")).toEqual({ key: "id", descending: true });
  });

  it("starts another column with its largest values, ids with the first", () => {
    expect(nextSort(defaultSort, "cpu")).toEqual({ key: "cpu", descending: true });
    expect(nextSort({ key: "cpu", descending: true }, "id")).toEqual(defaultSort);
  });
});

it("an order by id or state does not move with every sample", () => {
  expect(columnKeys.filter((key) => !isLiveSort({ key, descending: true }))).toEqual([
    "state",
    "id",
  ]);
});
