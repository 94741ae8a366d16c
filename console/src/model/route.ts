/** The columns of the table that an address can name, from left to right. */
export const columnNames = [
  "state",
  "name",
  "tags",
  "region",
  "storage",
  "network",
  "cpu",
  "mem",
  "load",
  "psi",
  "up",
  "seen",
  "spark",
] as const;

export type ColumnName = (typeof columnNames)[number];

/** What rules judge, tiles are coloured by and histories hold. */
export const metricNames = ["storage", "network", "cpu", "mem", "load", "psi"] as const;

export type MetricName = (typeof metricNames)[number];

export interface Sort {
  readonly key: ColumnName;
  readonly descending: boolean;
}

/** What the operator asked to see; all of it stands in the address. */
export interface Query {
  /** A search as `model/search` reads it. */
  readonly q: string;
  readonly sort: Sort;
  /** `tag:KEY`, `region` or `state`; empty: no groups. */
  readonly group: string;
  /** `null`: the saved or the usual ones. */
  readonly columns: readonly ColumnName[] | null;
  readonly view: "table" | "tiles";
  /** What tiles are coloured by and the small curves show. */
  readonly metric: MetricName;
  /** For a screen on a wall: no controls. */
  readonly kiosk: boolean;
}

/** Where in the console the page is. */
export type Place =
  | { readonly name: "fleet" }
  | { readonly name: "host"; readonly id: string }
  | { readonly name: "rules" };

export interface Route {
  readonly place: Place;
  readonly query: Query;
}

export const defaultSort: Sort = { key: "name", descending: false };

export const defaultQuery: Query = {
  q: "",
  sort: defaultSort,
  group: "",
  columns: null,
  view: "table",
  metric: "cpu",
  kiosk: false,
};

export const fleetPlace: Place = { name: "fleet" };
export const rulesPlace: Place = { name: "rules" };

export function hostPlace(id: string): Place {
  return { name: "host", id };
}

const searchLimit = 512;
const groupLimit = 64;

function isColumn(value: string): value is ColumnName {
  return (columnNames as readonly string[]).includes(value);
}

function isMetric(value: string): value is MetricName {
  return (metricNames as readonly string[]).includes(value);
}

function readSort(value: string): Sort {
  const descending = value.startsWith("-");
  const key = descending ? value.slice(1) : value;
  return isColumn(key) ? { key, descending } : defaultSort;
}

function readColumns(value: string): readonly ColumnName[] | null {
  const asked = new Set(value.split(","));
  const known = columnNames.filter((name) => asked.has(name) || name === "name");
  return value === "" ? null : known;
}

function readGroup(value: string): string {
  const known = value === "region" || value === "state" || /^tag:./.test(value);
  return known && value.length <= groupLimit ? value : "";
}

function readPlace(pathname: string): Place {
  if (pathname === "/rules") return rulesPlace;
  const host = /^\/host\/([^/]+)$/.exec(pathname)?.[1];
  if (host === undefined) return fleetPlace;
  try {
    return hostPlace(decodeURIComponent(host));
  } catch {
    return fleetPlace; // no id: a broken escape
  }
}

/** Reads an address; what it does not say, or says wrongly, is as by default. */
export function parseRoute(pathname: string, search: string): Route {
  const asked = new URLSearchParams(search);
  const text = (name: string): string => asked.get(name) ?? "";
  const metric = text("metric");
  return {
    place: readPlace(pathname),
    query: {
      q: text("q").slice(0, searchLimit),
      sort: readSort(text("sort")),
      group: readGroup(text("group")),
      columns: readColumns(text("cols")),
      view: text("view") === "tiles" ? "tiles" : "table",
      metric: isMetric(metric) ? metric : defaultQuery.metric,
      kiosk: text("kiosk") === "1",
    },
  };
}

function path(place: Place): string {
  switch (place.name) {
    case "fleet":
      return "/";
    case "rules":
      return "/rules";
    case "host":
      return `/host/${encodeURIComponent(place.id)}`;
  }
}

/** The address of a place: as short as it can be, what is as by default is left out. */
export function formatRoute({ place, query }: Route): string {
  const asked = new URLSearchParams();
  if (query.q !== "") asked.set("q", query.q);
  const { key, descending } = query.sort;
  if (key !== defaultSort.key || descending !== defaultSort.descending) {
    asked.set("sort", `${descending ? "-" : ""}${key}`);
  }
  if (query.group !== "") asked.set("group", query.group);
  if (query.columns !== null) asked.set("cols", query.columns.join(","));
  if (query.view !== defaultQuery.view) asked.set("view", query.view);
  if (query.metric !== defaultQuery.metric) asked.set("metric", query.metric);
  if (query.kiosk) asked.set("kiosk", "1");
  // These may stand as they are in a query, and people read addresses.
  const search = asked.toString().replaceAll("%3A", ":").replaceAll("%2C", ",");
  return search === "" ? path(place) : `${path(place)}?${search}`;
}
