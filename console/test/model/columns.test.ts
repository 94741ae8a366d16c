import { describe, expect, it } from "vitest";
import { Arrangement } from "../../src/model/arrangement";
import {
  columnsThatFit,
  compareIds,
  gridTemplate,
  isLiveSort,
  nextSort,
  usualColumns,
} from "../../src/model/columns";
import { Fleet } from "../../src/model/fleet";
import { columnNames, defaultQuery, defaultSort, type Sort } from "../../src/model/route";
import { modernRecord } from "../support";

type Given = Record<string, unknown>;

const sorted = (records: Given[], sort: Sort): string[] => {
  const fleet = new Fleet();
  fleet.replaceAll(records, 0);
  const arrangement = new Arrangement(fleet);
  arrangement.refresh({ ...defaultQuery, sort }, new Set(), false, 0);
  return arrangement.entries.map((slot) => fleet.id(slot));
};

const cpu = (id: string, pct: unknown): Given => modernRecord(id, { health: { cpu: { pct } } });

describe("the order of rows", () => {
  it("is by id as people count, unless asked otherwise", () => {
    const hosts = ["web-10", "db-1", "web-2", "Web-1"].map((id) => modernRecord(id));
    expect(sorted(hosts, defaultSort)).toEqual(["db-1", "Web-1", "web-2", "web-10"]);
  });

  it("never finds two different ids equal", () => {
    expect(compareIds("web-1", "WEB-1")).not.toBe(0);
    expect(compareIds("web-1", "web-01")).not.toBe(0);
    expect(compareIds("same", "same")).toBe(0);
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
    ["mem", { mem: { pct: 99 } }],
    ["load", { load: [9, 0, 0] }],
    ["psi", { psi: { cpu: [9] } }],
    ["up", { up: 9e9 }],
  ] as const)("by %s puts the largest first", (key, health) => {
    const hosts = [modernRecord("a"), modernRecord("b", { health })];
    expect(sorted(hosts, { key, descending: true })).toEqual(["b", "a"]);
  });

  it("by state puts the worst first", () => {
    const states = ["ok", "stale", "crit", "offline", "warn"];
    const hosts = states.map((s) => ({ ...modernRecord(s), state: { s, rule: "cpu" } }));
    expect(sorted(hosts, { key: "state", descending: true })).toEqual([
      ...["crit", "offline", "stale", "warn", "ok"],
    ]);
  });

  it("by region or tags puts those without at the end", () => {
    const of = (id: string, region: string): Given => ({
      ...modernRecord(id),
      info: { region, tags: region === "" ? [] : [region] },
    });
    const hosts = [of("a", ""), of("b", "us"), of("c", "eu")];
    for (const key of ["region", "tags"] as const) {
      expect(sorted(hosts, { key, descending: false })).toEqual(["c", "b", "a"]);
      expect(sorted(hosts, { key, descending: true })).toEqual(["b", "c", "a"]);
    }
  });

  it("is total for every column: the order hosts came in changes nothing", () => {
    const hosts = [cpu("c", 5), cpu("a", null), cpu("b", 5), cpu("d", 0)];
    for (const key of columnNames) {
      const once = sorted(hosts, { key, descending: true });
      expect(sorted([...hosts].reverse(), { key, descending: true })).toEqual(once);
    }
  });
});

describe("a click on a column's head", () => {
  it("turns the order round when it is by that column", () => {
    expect(nextSort(defaultSort, "name")).toEqual({ key: "name", descending: true });
  });

  it("starts another column with its largest values, names with the first", () => {
    expect(nextSort(defaultSort, "cpu")).toEqual({ key: "cpu", descending: true });
    expect(nextSort({ key: "cpu", descending: true }, "name")).toEqual(defaultSort);
  });
});

it("an order by what a host is called or in does not move with every sample", () => {
  expect(columnNames.filter((key) => !isLiveSort({ key, descending: true }))).toEqual([
    ...["state", "name", "tags", "region"],
  ]);
});

describe("columns that have no room", () => {
  it("go one after the other, the least useful first", () => {
    expect(columnsThatFit(usualColumns, 200)).toEqual(usualColumns);
    let last = usualColumns.length;
    for (let rem = 120; rem >= 0; rem -= 1) {
      const fitting = columnsThatFit(usualColumns, rem);
      expect(fitting.length).toBeLessThanOrEqual(last);
      expect(fitting).toEqual(expect.arrayContaining(["state", "name"]));
      last = fitting.length;
    }
    expect(columnsThatFit(usualColumns, 0)).toEqual(["state", "name"]);
    expect(columnsThatFit(usualColumns, 56)).toContain("cpu");
  });

  it("leave one measure for each that stays", () => {
    expect(gridTemplate(["name", "load"])).toBe("minmax(12rem, 4fr) 4.5rem");
  });
});
