import { labelLimit, safeText, titleLimit } from "./safe";

export type HostState = "ok" | "stale" | "gone";

/** Load averages over 1, 5 and 15 minutes. */
export type Load = readonly [number, number, number];

/** What one message of a peer said, after everything in it was judged. `null`: not known. */
export interface Reading {
  readonly id: string;
  /** Opaque name of the agent's connection. */
  readonly socket: string | null;
  /** False for agents of the original work: their units are not known. */
  readonly modern: boolean;
  readonly run: string | null;
  readonly seq: number | null;
  readonly intervalMs: number;
  /** Percent, or of unknown unit when not `modern`. */
  readonly storage: number | null;
  /** Mbit/s, or of unknown unit when not `modern`. */
  readonly network: number | null;
  /** Percent. */
  readonly cpu: number | null;
  /** Percent. */
  readonly memory: number | null;
  /** Bytes. */
  readonly memoryTotal: number | null;
  readonly load: Load | null;
}

/** One host of the fleet. The fleet changes it in place and raises `rev` each time. */
export interface Host {
  readonly id: string;
  /** The id as it may be shown. */
  readonly label: string;
  /** The same, longer, for a tooltip. */
  readonly title: string;
  /** The id as the filter compares it. */
  readonly search: string;
  reading: Reading;
  /** Page's monotonic clock, ms, when the newest sample came. */
  seenAt: number;
  state: HostState;
  rev: number;
}

export const defaultIntervalMs = 2500;
const minIntervalMs = 1000;
const maxIntervalMs = 60_000;
const idLimit = 1024;

type Fields = Readonly<Record<string, unknown>>;
const nothing: Fields = {};

function fields(value: unknown): Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Fields)
    : nothing;
}

function number(value: unknown, max: number): number | null {
  return typeof value === "number" && value >= 0 && value <= max ? value : null;
}

function shortString(value: unknown): string | null {
  return typeof value === "string" && value.length > 0 && value.length <= idLimit ? value : null;
}

function load(value: unknown): Load | null {
  if (!Array.isArray(value)) return null;
  const [one, five, fifteen] = [0, 1, 2].map((at) => number(value[at], 1e6));
  return one != null && five != null && fifteen != null ? [one, five, fifteen] : null;
}

/** A host's id as peers send it: text, or a number that an old peer took from its settings. */
export function readId(value: unknown): string | null {
  return typeof value === "number" && Number.isFinite(value) ? String(value) : shortString(value);
}

/**
 * Judges one record of `load_clients` or `web_client_update`. Everything may be missing or of a
 * wrong type, that field is then not known; only a record without a usable id is `null`.
 */
export function readRecord(value: unknown): Reading | null {
  const record = fields(value);
  const id = readId(record.id);
  if (id === null) return null;
  const health = fields(record.health);
  const modern = typeof record.v === "number" && record.v >= 2;
  const interval = number(record.interval_ms, Number.MAX_SAFE_INTEGER) ?? defaultIntervalMs;
  const memory = fields(health.mem);
  const percentMax = 1000; // more is a fault of the sender, not a measurement
  return {
    id,
    modern,
    socket: shortString(record.socketID),
    run: shortString(record.run),
    seq: number(record.seq, Number.MAX_SAFE_INTEGER),
    intervalMs: Math.min(Math.max(interval, minIntervalMs), maxIntervalMs),
    storage: number(health.storage, modern ? percentMax : 1e12),
    network: number(health.network, modern ? 1e8 : 1e12),
    cpu: number(fields(health.cpu).pct, percentMax),
    memory: number(memory.pct, percentMax),
    memoryTotal: number(memory.total, Number.MAX_SAFE_INTEGER),
    load: load(health.load),
  };
}

export function makeHost(reading: Reading, seenAt: number): Host {
  return {
    id: reading.id,
    label: safeText(reading.id, labelLimit),
    title: safeText(reading.id, titleLimit),
    search: reading.id.toLowerCase(),
    reading,
    seenAt,
    state: "ok",
    rev: 0,
  };
}

/** Silence after which a host is stale: three of its intervals, at least 7.5 s. */
export function staleAfterMs(host: Host): number {
  return Math.max(3 * host.reading.intervalMs, 3 * defaultIntervalMs);
}

/** True when `next` is not newer than `last`: the same agent run with a sequence not above it. */
export function isOld(last: Reading, next: Reading): boolean {
  return (
    last.run !== null &&
    last.run === next.run &&
    last.seq !== null &&
    next.seq !== null &&
    next.seq <= last.seq
  );
}
