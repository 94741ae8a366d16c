import type { Host } from "./host";

/** The table's columns, from left to right. */
export const columnKeys = [
  "state",
  "id",
  "storage",
  "network",
  "cpu",
  "memory",
  "load",
  "seen",
] as const;

export type ColumnKey = (typeof columnKeys)[number];

export interface Sort {
  readonly key: ColumnKey;
  readonly descending: boolean;
}

export const defaultSort: Sort = { key: "id", descending: false };

const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });

/** By id as people count: `web-2` before `web-10`. Never equal for two different ids. */
export function compareIds(a: Host, b: Host): number {
  return collator.compare(a.id, b.id) || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}

/** True when the order by this column moves with every sample. */
export function isLiveSort(sort: Sort): boolean {
  return sort.key !== "id" && sort.key !== "state";
}

/** What a column is ordered by; larger is worse or more. `null`: not known, always last. */
function weight(host: Host, key: ColumnKey): number | null {
  switch (key) {
    case "state":
      return host.state === "stale" ? 1 : 0;
    case "storage":
      return host.reading.storage;
    case "network":
      return host.reading.network;
    case "cpu":
      return host.reading.cpu;
    case "memory":
      return host.reading.memory;
    case "load":
      return host.reading.load?.[0] ?? null;
    case "seen":
      return -host.seenAt;
    case "id":
      return null;
  }
}

export function comparator(sort: Sort): (a: Host, b: Host) => number {
  const sign = sort.descending ? -1 : 1;
  if (sort.key === "id") return (a, b) => sign * compareIds(a, b);
  return (a, b) => {
    const x = weight(a, sort.key);
    const y = weight(b, sort.key);
    if (x === y) return compareIds(a, b);
    if (x === null) return 1;
    if (y === null) return -1;
    return sign * (x - y);
  };
}

/** What a click on a column's head asks for: other columns start with their largest values. */
export function nextSort(current: Sort, key: ColumnKey): Sort {
  if (current.key === key) return { key, descending: !current.descending };
  return { key, descending: key !== "id" };
}
