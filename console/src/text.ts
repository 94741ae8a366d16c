import type { ColumnKey } from "./model/columns";
import type { Phase } from "./model/connection";
import type { HostState } from "./model/host";

const hosts = (count: string, one: boolean): string => (one ? `${count} host` : `${count} hosts`);

/** Every word that the page shows or speaks, in one place. */
export const text = {
  product: "mad",
  place: "fleet",
  dash: "–",
  noValue: "not known",
  ellipsis: "…",

  column: {
    state: "State",
    id: "Host",
    storage: "Storage",
    network: "Network",
    cpu: "CPU",
    memory: "Memory",
    load: "Load",
    seen: "Last seen",
  } satisfies Record<ColumnKey, string>,

  /** Short forms for the stacked rows of a narrow screen. */
  columnShort: {
    state: "State",
    id: "Host",
    storage: "Disk",
    network: "Net",
    cpu: "CPU",
    memory: "Mem",
    load: "Load",
    seen: "Seen",
  } satisfies Record<ColumnKey, string>,

  columnHelp: {
    state: "ok, or stale when a host has been silent for three of its intervals",
    id: "The host's id",
    storage: "Space used on the fullest local file system",
    network: "Bytes received and sent by all counted interfaces",
    cpu: "Time all processors were busy",
    memory: "Memory that is not available",
    load: "Load averages over 1, 5 and 15 minutes",
    seen: "Time since the newest sample",
  } satisfies Record<ColumnKey, string>,

  state: { ok: "ok", stale: "stale", gone: "gone" } satisfies Record<HostState, string>,

  unit: { network: "Mbit/s", gibibyte: "GiB", tebibyte: "TiB", mebibyte: "MiB" },
  ofTotal: (total: string) => `of ${total}`,
  loadFull: (one: string, five: string, fifteen: string) =>
    `${one} over 1 min, ${five} over 5 min, ${fifteen} over 15 min`,
  now: "now",

  phase: {
    starting: "Reading settings",
    unconfigured: "Settings cannot be read",
    connecting: "Connecting",
    syncing: "Reading the fleet",
    live: "Live",
    reconnecting: "Reconnecting",
    refused: "Refused",
  } satisfies Record<Phase, string>,
  dataAge: (age: string) => `data ${age}`,
  noData: "no data yet",
  refusedBecause: (reason: string) => `the server says: ${reason}`,
  cutOff: "Values below are the last known, not live.",

  counters: "Show hosts by state",
  counterAll: (one: boolean) => (one ? "host" : "hosts"),

  filter: "Filter by id",
  filterHint: "/",
  clearFilter: "Show all hosts",
  table: "Hosts of the fleet",
  held: (count: string, one: boolean) =>
    `Order held while you look: ${count} ${one ? "change waits" : "changes wait"}`,

  loadingPart: "Loading",
  partFailed: "This part of the page could not be loaded.",
  tryAgain: "Try again",
  rules: "Rules",
  token: "Token",

  emptyTitle: "No host has reported yet",
  emptyHelp: "Start an agent on a machine and its row appears here:",
  agentCommand: (url: string) => `mad-agent --api ${url}`,
  waitingTitle: "Waiting for the server",
  waitingHelp: "Rows appear as soon as the connection stands.",
  noMatchTitle: "No host matches",
  noMatchHelp: (total: string, one: boolean) => `${hosts(total, one)} hidden by the filter.`,

  keys: "/ filters, arrow keys move in the table",
  version: (version: string) => `mad ${version}`,

  title: {
    live: (stale: string, total: string, hasStale: boolean, one: boolean) =>
      hasStale ? `${stale} stale of ${hosts(total, one)} · mad` : `${hosts(total, one)} · mad`,
    away: (phase: string, total: string, one: boolean) => `${phase} · ${hosts(total, one)} · mad`,
    none: (phase: string) => `${phase} · mad`,
  },

  announce: {
    named: (names: string, what: string) => `${names} ${what}.`,
    many: (count: string, what: string) => `${count} hosts ${what}.`,
    stale: "stale",
    ok: "ok again",
    joined: "joined",
    left: "left",
    lost: "Connection lost, values are not live.",
    back: "Connection is back.",
  },
} as const;
