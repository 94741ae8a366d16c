import type { MetricName } from "./route";

/** States in the order of counters, from good to bad; `gone` is only shown until rows are arranged. */
export const stateNames = ["ok", "warn", "crit", "stale", "offline", "gone"] as const;

export type HostState = (typeof stateNames)[number];

/** The states that counters count. */
export const countedStates = ["ok", "warn", "crit", "stale", "offline"] as const;

export type CountedState = (typeof countedStates)[number];

/** How bad a state is for the worst of a group: crit > offline > stale > warn > ok. */
export const severity: Readonly<Record<HostState, number>> = {
  gone: -1,
  ok: 0,
  warn: 1,
  stale: 2,
  offline: 3,
  crit: 4,
};

export const flagNames = ["dup", "muted", "flapping"] as const;

export type Flag = (typeof flagNames)[number];

/** Flags of a host as bits: dup 1, muted 2, flapping 4. */
export function flagsOf(bits: number): readonly Flag[] {
  return bits === 0 ? noFlags : flagNames.filter((_, at) => (bits & (1 << at)) !== 0);
}

const noFlags: readonly Flag[] = [];

/** Why a host is not ok. */
export interface Verdict {
  readonly rule: string;
  readonly value: number;
  readonly limit: number;
  /** Wall clock of the node, ms; 0: not known. */
  readonly since: number;
}

/** What one message of a peer said, after everything in it was judged. NaN: not known. */
export interface Reading {
  readonly id: string;
  /** False for agents of the original work: their units are not known. */
  readonly modern: boolean;
  readonly run: string;
  readonly seq: number;
  readonly intervalMs: number;
  /** Percent, Mbit/s or a bare number; storage and network of unknown unit when not `modern`. */
  readonly metrics: Readonly<Record<MetricName, number>>;
  /** Seconds since the host started. */
  readonly up: number;
  readonly state: CountedState;
  readonly verdict: Verdict;
  /** `null`: the message has none, what was known stays. */
  readonly facts: Facts | null;
}

export interface Facts {
  readonly name: string;
  readonly region: string;
  readonly os: string;
  readonly tags: readonly string[];
}

export const noVerdict: Verdict = { rule: "", value: Number.NaN, limit: Number.NaN, since: 0 };
export const noFacts: Facts = { name: "", region: "", os: "", tags: [] };

export const defaultIntervalMs = 2500;
const minIntervalMs = 1000;
const maxIntervalMs = 60_000;
const idLimit = 1024;
const textLimit = 256;
const tagsAtMost = 20;
const percentMax = 1000; // more is a fault of the sender, not a measurement
const oldMax = 1e12;
const networkMax = 1e8;

type Fields = Readonly<Record<string, unknown>>;
const nothing: Fields = {};

function fields(value: unknown): Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Fields)
    : nothing;
}

/** A number within 0 and `max`, or NaN. */
export function readNumber(value: unknown, max: number): number {
  return typeof value === "number" && value >= 0 && value <= max ? value : Number.NaN;
}

/** A text of a peer, cut; empty when it is none. */
export function readText(value: unknown): string {
  return typeof value === "string" ? value.slice(0, textLimit) : "";
}

export function readTags(value: unknown): readonly string[] {
  if (!Array.isArray(value)) return noFacts.tags;
  return value
    .slice(0, tagsAtMost)
    .map(readText)
    .filter((tag) => tag !== "");
}

/** A host's id as peers send it: text, or a number that an old peer took from its settings. */
export function readId(value: unknown): string | null {
  if (typeof value === "number" && Number.isFinite(value)) return String(value);
  return typeof value === "string" && value.length > 0 && value.length <= idLimit ? value : null;
}

export function readState(value: unknown): CountedState | null {
  return (countedStates as readonly unknown[]).includes(value) ? (value as CountedState) : null;
}

/** How much each metric may be; more is a fault of the sender and not known. */
export function metricMax(metric: MetricName, modern: boolean): number {
  if (!modern) return oldMax;
  if (metric === "network") return networkMax;
  return metric === "load" ? 1e6 : percentMax;
}

function firstOf(value: unknown): unknown {
  return Array.isArray(value) ? value[0] : undefined;
}

/** The worst pressure: cpu some, memory and io full (or some, where there is no full). */
function pressure(value: unknown): number {
  const { cpu, mem, io } = fields(value);
  const whole = (pair: unknown): unknown =>
    Array.isArray(pair) ? (pair[1] ?? pair[0]) : undefined;
  const known = [firstOf(cpu), whole(mem), whole(io)]
    .map((part) => readNumber(part, percentMax))
    .filter((part) => !Number.isNaN(part));
  return known.length === 0 ? Number.NaN : Math.max(...known);
}

function facts(value: unknown): Facts | null {
  if (typeof value !== "object" || value === null) return null;
  const { host, region, os, tags } = fields(value);
  return { name: readText(host), region: readText(region), os: readText(os), tags: readTags(tags) };
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
  const interval = readNumber(record.interval_ms, Number.MAX_SAFE_INTEGER);
  const measured = (name: MetricName, of: unknown): number =>
    readNumber(of, metricMax(name, modern));
  const state = fields(record.state);
  return {
    id,
    modern,
    run: readText(record.run),
    seq: readNumber(record.seq, Number.MAX_SAFE_INTEGER),
    intervalMs: Number.isNaN(interval)
      ? defaultIntervalMs
      : Math.min(Math.max(interval, minIntervalMs), maxIntervalMs),
    metrics: {
      storage: measured("storage", health.storage),
      network: measured("network", health.network),
      cpu: readNumber(fields(health.cpu).pct, percentMax),
      mem: readNumber(fields(health.mem).pct, percentMax),
      load: readNumber(firstOf(health.load), metricMax("load", true)),
      psi: pressure(health.psi),
    },
    up: readNumber(health.up, 1e11),
    state: readState(state.s) ?? "ok",
    verdict: readVerdict(state.rule, state.value, state.limit, state.since),
    facts: facts(record.info),
  };
}

export function readVerdict(
  rule: unknown,
  value: unknown,
  limit: unknown,
  since: unknown,
): Verdict {
  const name = readText(rule);
  if (name === "") return noVerdict;
  const number = (of: unknown): number => (typeof of === "number" ? of : Number.NaN);
  return {
    rule: name,
    value: number(value),
    limit: number(limit),
    since: readNumber(since, Number.MAX_SAFE_INTEGER) || 0,
  };
}

/** Silence after which a host is stale: three of its intervals, at least 7.5 s. */
export function staleAfterMs(intervalMs: number): number {
  return Math.max(3 * intervalMs, 3 * defaultIntervalMs);
}
