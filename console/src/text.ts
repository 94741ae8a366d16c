import type { Phase } from "./model/connection";
import type { CountedState, Flag, HostState } from "./model/host";
import type { ByteUnits, Theme } from "./model/prefs";
import type { ColumnName, MetricName } from "./model/route";
import type { SearchError } from "./model/search";

const hosts = (count: string, one: boolean): string => (one ? `${count} host` : `${count} hosts`);

/**
 * Every word that the page shows or speaks, in one place. Another language is another object of this
 * shape in `languages`.
 */
const english = {
  product: "mad",
  place: "fleet",
  dash: "–",
  noValue: "not known",
  ellipsis: "…",

  column: {
    state: "State",
    name: "Host",
    tags: "Tags",
    region: "Region",
    storage: "Storage",
    network: "Network",
    cpu: "CPU",
    mem: "Memory",
    load: "Load",
    psi: "Pressure",
    up: "Uptime",
    seen: "Last seen",
    spark: "Curve",
  } satisfies Record<ColumnName, string>,

  sparkHead: (metric: string) => `${metric} 4 min`,

  /** Short forms for the stacked rows of a narrow screen. */
  columnShort: {
    state: "State",
    name: "Host",
    tags: "Tags",
    region: "Region",
    storage: "Disk",
    network: "Net",
    cpu: "CPU",
    mem: "Mem",
    load: "Load",
    psi: "Psi",
    up: "Up",
    seen: "Seen",
    spark: "",
  } satisfies Record<ColumnName, string>,

  columnHelp: {
    state: "ok, warn, crit, stale (silent for three of its intervals) or offline",
    name: "The host's id, and its own name where that is another",
    tags: "What its agent was given to tell it by",
    region: "Where it runs",
    storage: "Space used on the fullest local file system",
    network: "Bits received and sent by all counted interfaces",
    cpu: "Time all processors were busy",
    mem: "Memory that is not available",
    load: "Load average over 1 minute",
    psi: "Time work waited for processor, memory or disk: the worst of the three",
    up: "Time since the host started",
    seen: "Time since the newest sample",
    spark: "What this page saw of the chosen metric in the last 4 minutes",
  } satisfies Record<ColumnName, string>,

  metric: {
    storage: "Storage",
    network: "Network",
    cpu: "CPU",
    mem: "Memory",
    load: "Load",
    psi: "Pressure",
  } satisfies Record<MetricName, string>,

  state: {
    ok: "ok",
    warn: "warn",
    crit: "crit",
    stale: "stale",
    offline: "offline",
    gone: "gone",
  } satisfies Record<HostState, string>,
  stateHelp: {
    ok: "Reports in time and no rule is broken",
    warn: "A rule's first limit is passed",
    crit: "A rule's second limit is passed",
    stale: "Silent for three of its intervals",
    offline: "Not connected",
  } satisfies Record<CountedState, string>,
  flag: { dup: "dup", muted: "muted", flapping: "flapping" } satisfies Record<Flag, string>,
  flagHelp: {
    dup: "Two agents report with this id",
    muted: "Nobody is told of its changes",
    flapping: "Changes state again and again",
  } satisfies Record<Flag, string>,
  synthetic: "synthetic",
  syntheticHelp: "Not a real machine: its values are made up",
  verdict: (rule: string, value: string, limit: string, since: string) =>
    `${rule} is ${value}, the limit is ${limit}${since === "" ? "" : `, since ${since}`}`,
  verdictShort: (rule: string) => rule,

  unit: {
    network: "Mbit/s",
    gigabit: "Gbit/s",
    binary: ["B", "KiB", "MiB", "GiB", "TiB", "PiB"],
    decimal: ["B", "kB", "MB", "GB", "TB", "PB"],
  },
  now: "now",
  metricValue: (metric: string, value: string) => `${metric} ${value}`,

  phase: {
    starting: "Reading settings",
    unconfigured: "Settings cannot be read",
    connecting: "Connecting",
    syncing: "Reading the fleet",
    live: "Live",
    reconnecting: "Reconnecting",
    refused: "Refused",
  } satisfies Record<Phase, string>,
  paused: "Paused",
  updatesWait: (count: string, one: boolean) =>
    one ? `${count} update waits` : `${count} updates wait`,
  dataAge: (age: string) => `data ${age}`,
  refusedBecause: (reason: string) => `the server says: ${reason}`,
  cutOff: "Values below are the last known, not live.",

  counters: "Show hosts by state",
  counterAll: (one: boolean) => (one ? "host" : "hosts"),

  filter: "Search hosts",
  filterPlaceholder: "Search: web  tag:prod  cpu>80",
  filterHint: "/",
  clearFilter: "Show all hosts",
  searchError: {
    unclosed_quote: 'This quote is not closed; write \\" for one that belongs to the text.',
    empty_quotes: "There is nothing in these quotes.",
    nothing_negated: "Write what is not wanted right behind the -.",
    missing_value: "A value is missing here; * stands for any.",
    unknown_state: "States are ok, warn, crit, stale and offline.",
    unknown_flag: "Flags are dup, muted and flapping.",
    unknown_metric: "Compared are storage, network, cpu, mem, load, psi and up.",
    bad_number: "A number belongs here, as 80, 2.5 or 90m (for up).",
    too_long: "Longer than 1,024 characters.",
    too_many_terms: "More than 32 words.",
  } satisfies Record<SearchError, string>,
  searchProblem: (at: string, what: string) => `Character ${at}: ${what}`,

  table: "Hosts of the fleet",
  tiles: "Map of the fleet",
  tilesHelp: "Arrow keys move from host to host, Enter opens one.",
  tileSummary: (count: string, one: boolean, metric: string) =>
    `${hosts(count, one)}, coloured by ${metric}`,
  held: (count: string, one: boolean) =>
    `Order held while you look: ${count} ${one ? "change waits" : "changes wait"}`,
  shown: (shown: string, total: string) => `${shown} of ${total} shown`,

  noRegion: "no region",
  noTag: (key: string) => `no ${key}`,
  openGroup: (name: string) => `Open ${name}`,
  closeGroup: (name: string) => `Close ${name}`,

  tableView: "Table",
  tilesView: "Tiles",
  viewAs: "Show as",
  colourBy: "Metric",
  groupBy: "Group by",
  noGroup: "no groups",
  byState: "state",
  byRegion: "region",
  byTag: (key: string) => `tag ${key}`,
  menu: "View",
  columns: "Columns",
  usualColumns: "Usual columns",
  theme: "Theme",
  themes: {
    system: "As the system",
    light: "Light",
    dark: "Dark",
    contrast: "High contrast",
  } satisfies Record<Theme, string>,
  bytes: "Bytes",
  byteUnits: {
    binary: "1024 (GiB)",
    decimal: "1000 (GB)",
  } satisfies Record<ByteUnits, string>,
  exportCsv: "Save as CSV",
  csvName: "fleet.csv",
  copyLink: "Copy link",
  kioskOn: "Kiosk: hide controls",
  pause: "Pause",
  resume: "Resume",
  allHosts: "All hosts",
  close: "Close",
  help: "Help",

  palette: "Commands",
  palettePlaceholder: "Type a command or a host",
  paletteNothing: "Nothing of that name",
  openHost: (id: string) => `Open ${id}`,
  showState: (state: string) => `Show ${state} hosts`,
  sortBy: (column: string) => `Sort by ${column}`,

  helpTitle: "Keys and search",
  keyHelp: [
    ["/", "search"],
    ["?", "this help"],
    ["Ctrl K", "commands"],
    ["p", "pause, and go on"],
    ["t", "table or tiles"],
    ["g then f, r", "go to the fleet, to the rules"],
    ["g then c, w, s, o", "only crit, warn, stale, offline"],
    ["g then a", "all hosts"],
    ["arrows", "move in the table"],
    ["Enter", "open the host, open or close a group"],
    ["Esc", "close, or clear the search"],
  ],
  searchHelp: [
    ["web", "id, name or a tag contains it"],
    ["tag:prod role:web", "has these tags"],
    ["state:crit,warn", "is in one of these states"],
    ["region:eu*", "a star stands for any text"],
    ["cpu>80 mem>=90 up<1h", "values are compared"],
    ["flag:flapping", "dup, muted or flapping"],
    ["-tag:test", "a minus negates"],
  ],
  keysTitle: "Keys",
  searchTitle: "Search",

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
  noMatchHelp: (total: string, one: boolean) => `${hosts(total, one)} hidden by the search.`,

  keys: "/ searches, ? shows all keys",
  version: (version: string) => `mad ${version}`,

  title: {
    live: (worst: string, total: string, one: boolean) =>
      worst === "" ? `${hosts(total, one)} · mad` : `${worst} of ${hosts(total, one)} · mad`,
    worst: (count: string, state: string) => `${count} ${state}`,
    away: (phase: string, total: string, one: boolean) => `${phase} · ${hosts(total, one)} · mad`,
    none: (phase: string) => `${phase} · mad`,
  },

  announce: {
    named: (names: string, what: string) => `${names} ${what}.`,
    many: (count: string, what: string) => `${count} hosts ${what}.`,
    crit: "critical",
    offline: "offline",
    stale: "stale",
    warn: "warning",
    ok: "ok again",
    joined: "joined",
    left: "left",
    lost: "Connection lost, values are not live.",
    back: "Connection is back.",
  },
};

export type Text = typeof english;

/** By the language's name as browsers tell it, without a region. */
const languages: Readonly<Record<string, Text>> = { en: english };

/** The first of the wanted languages that is there. */
export function textFor(wanted: readonly string[]): Text {
  const names = wanted.map((name) => name.split("-")[0] ?? "");
  return languages[names.find((name) => name in languages) ?? "en"] ?? english;
}

export const text: Text = textFor(typeof navigator === "undefined" ? [] : navigator.languages);
