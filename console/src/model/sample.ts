import { exact, type Fields, fields, isFields, list, number, shown } from "./judge";
import { type MetricName, metricNames } from "./route";

type Maybe = number | null;

export interface Pressure {
  readonly of: "cpu" | "mem" | "io";
  /** Percent of the last interval in which some, or all, waited. */
  readonly some: Maybe;
  readonly full: Maybe;
  /** The same over a minute. */
  readonly some60: Maybe;
  readonly full60: Maybe;
}

export interface Mount {
  readonly at: string;
  readonly type: string;
  readonly size: Maybe;
  readonly available: Maybe;
  readonly pct: Maybe;
  readonly inodes: Maybe;
  readonly readOnly: boolean;
  readonly network: boolean;
  readonly stuck: boolean;
}

export interface Interface {
  readonly name: string;
  /** Bytes per second. */
  readonly rx: Maybe;
  readonly tx: Maybe;
  /** Mbit/s. */
  readonly speed: Maybe;
}

export interface Temperature {
  readonly name: string;
  readonly celsius: Maybe;
  readonly critical: Maybe;
}

/** Many cores in short: extremes, mean, and the busiest by number. */
export interface CoreSummary {
  readonly count: number;
  readonly min: Maybe;
  readonly mean: Maybe;
  readonly max: Maybe;
  readonly top: readonly { readonly core: number; readonly pct: number }[];
}

export interface Identity {
  readonly host: string;
  readonly os: string;
  readonly kernel: string;
  readonly arch: string;
  readonly agent: string;
  readonly scope: string;
  readonly region: string;
  readonly tags: readonly string[];
  readonly cpus: Maybe;
  /** Bytes. */
  readonly memory: Maybe;
  /** Seconds since 1970. */
  readonly boot: Maybe;
}

/** Everything that one record says of a host. `null` and empty: not known. */
export interface Sample {
  /** False for agents of the original work: two fields of unknown unit. */
  readonly modern: boolean;
  readonly intervalMs: number;
  readonly run: string;
  readonly seq: Maybe;
  /** The agent's own clock, ms. */
  readonly sentAt: Maybe;
  /** What histories keep. */
  readonly metrics: Readonly<Record<MetricName, Maybe>>;
  readonly cpu: {
    readonly user: Maybe;
    readonly system: Maybe;
    readonly waiting: Maybe;
    readonly stolen: Maybe;
    readonly throttled: Maybe;
    readonly usable: Maybe;
  };
  readonly cores: readonly Maybe[];
  readonly coreSummary: CoreSummary | null;
  readonly load: readonly [Maybe, Maybe, Maybe];
  readonly memory: {
    readonly total: Maybe;
    readonly available: Maybe;
    readonly swapTotal: Maybe;
    readonly swapUsed: Maybe;
  };
  readonly pressure: readonly Pressure[];
  readonly mounts: readonly Mount[];
  readonly moreMounts: number;
  readonly io: {
    readonly read: Maybe;
    readonly written: Maybe;
    readonly reads: Maybe;
    readonly writes: Maybe;
    readonly util: Maybe;
    readonly queue: Maybe;
    readonly readWaitMs: Maybe;
    readonly writeWaitMs: Maybe;
  } | null;
  readonly network: {
    readonly rx: Maybe;
    readonly tx: Maybe;
    readonly errors: Maybe;
    readonly dropped: Maybe;
  } | null;
  readonly interfaces: readonly Interface[];
  readonly moreInterfaces: number;
  readonly temperatures: readonly Temperature[];
  readonly moreTemperatures: number;
  readonly up: Maybe;
  readonly tasks: { readonly running: Maybe; readonly total: Maybe; readonly blocked: Maybe };
  readonly agent: { readonly cpu: Maybe; readonly rss: Maybe };
  /** Sources that could not be read. */
  readonly failed: readonly string[];
  /** `null`: this record says nothing of it. */
  readonly identity: Identity | null;
}

const percentMax = 1000; // more is a fault of the sender, not a measurement
const rateMax = 1e15;
const bytesMax = Number.MAX_SAFE_INTEGER;
const oldMax = 1e12;

function percent(value: unknown): Maybe {
  return number(value, percentMax);
}

function pressures(now: Fields, minute: Fields): readonly Pressure[] {
  const all = (["cpu", "mem", "io"] as const).map((of) => {
    const [some, full] = list(now[of], 2);
    const [some60, full60] = list(minute[of], 2);
    return {
      of,
      some: percent(some),
      full: percent(full),
      some60: percent(some60),
      full60: percent(full60),
    };
  });
  return all.filter(({ some, full, some60 }) => (some ?? full ?? some60) !== null);
}

/** The worst of what waits: processors some, memory and disks all (or some, without that). */
function worstPressure(of: readonly Pressure[]): Maybe {
  const each = of.map(({ of: name, some, full }) => (name === "cpu" ? some : (full ?? some)));
  const known = each.filter((value) => value !== null);
  return known.length === 0 ? null : Math.max(...known);
}

function mount(value: unknown): Mount {
  const { m, fs, size, avail, pct, ipct, ro, net, stuck } = fields(value);
  return {
    at: shown(m),
    type: shown(fs, 32),
    size: number(size, bytesMax),
    available: number(avail, bytesMax),
    pct: percent(pct),
    inodes: percent(ipct),
    readOnly: ro === true,
    network: net === true,
    stuck: stuck === true,
  };
}

function coreSummary(value: unknown): CoreSummary | null {
  if (!isFields(value)) return null;
  const top = list(value.top, 10).flatMap((pair) => {
    const [core, pct] = list(pair, 2).map((part) => number(part, 1e6));
    return core == null || pct == null ? [] : [{ core, pct }];
  });
  return {
    count: number(value.n, 1e6) ?? top.length,
    min: percent(value.min),
    mean: percent(value.mean),
    max: percent(value.max),
    top,
  };
}

function temperatures(health: Fields): readonly Temperature[] {
  const read = (name: unknown, celsius: unknown, critical: unknown): Temperature => ({
    name: shown(name, 64),
    celsius: number(celsius, 1000, -100),
    critical: number(critical, 1000, -100),
  });
  if (Array.isArray(health.temps)) {
    return list(health.temps, 64).map((value) => {
      const { n, c, crit } = fields(value);
      return read(n, c, crit);
    });
  }
  if (!isFields(health.temp)) return [];
  return [read(health.temp.name, health.temp.max, health.temp.crit)];
}

/** What an agent says of its machine; `null` when a record does not. */
export function readIdentity(value: unknown): Identity | null {
  if (!isFields(value)) return null;
  return {
    host: shown(value.host),
    os: shown(value.os),
    kernel: shown(value.kernel),
    arch: shown(value.arch, 32),
    agent: shown(value.agent, 32),
    scope: shown(value.scope, 32),
    region: shown(value.region, 64),
    tags: list(value.tags, 20)
      .map((tag) => shown(tag, 64))
      .filter((tag) => tag !== ""),
    cpus: number(value.cpus, 1e6),
    memory: number(value.mem, bytesMax),
    boot: number(value.boot, 1e11),
  };
}

/** Judges a whole record: whatever is missing or of a wrong type is not known. */
export function readSample(value: unknown): Sample {
  const record = fields(value);
  const health = fields(record.health);
  const modern = typeof record.v === "number" && record.v >= 2;
  const cpu = fields(health.cpu);
  const memory = fields(health.mem);
  const network = fields(health.net);
  const io = fields(health.io);
  const tasks = fields(health.procs);
  const agent = fields(health.agent);
  const load = [0, 1, 2].map((at) => number(list(health.load, 3)[at], 1e6));
  const pressure = pressures(fields(health.psi), fields(health.psi60));
  const metrics: Record<MetricName, Maybe> = {
    storage: number(health.storage, modern ? percentMax : oldMax),
    network: number(health.network, modern ? 1e8 : oldMax),
    cpu: percent(cpu.pct),
    mem: percent(memory.pct),
    load: load[0] ?? null,
    psi: worstPressure(pressure),
  };
  return {
    modern,
    intervalMs: Math.min(Math.max(number(record.interval_ms, bytesMax) ?? 2500, 1000), 60_000),
    run: exact(record.run),
    seq: number(record.seq, bytesMax),
    sentAt: number(record.ts, bytesMax),
    metrics,
    cpu: {
      user: percent(cpu.user),
      system: percent(cpu.sys),
      waiting: percent(cpu.iowait),
      stolen: percent(cpu.steal),
      throttled: percent(cpu.throttled),
      usable: number(cpu.usable, 1e6),
    },
    cores: list(cpu.cores, 256).map(percent),
    coreSummary: coreSummary(cpu.cores),
    load: [load[0] ?? null, load[1] ?? null, load[2] ?? null],
    memory: {
      total: number(memory.total, bytesMax),
      available: number(memory.avail, bytesMax),
      swapTotal: number(memory.swap_total, bytesMax),
      swapUsed: number(memory.swap_used, bytesMax),
    },
    pressure,
    mounts: list(health.disk, 64).filter(isFields).map(mount),
    moreMounts: number(health.disk_more, 1e6) ?? 0,
    io: isFields(health.io)
      ? {
          read: number(io.rd, rateMax),
          written: number(io.wr, rateMax),
          reads: number(io.rops, rateMax),
          writes: number(io.wops, rateMax),
          util: percent(io.util),
          queue: number(io.queue, 1e9),
          readWaitMs: number(io.r_await_ms, 1e9),
          writeWaitMs: number(io.w_await_ms, 1e9),
        }
      : null,
    network: isFields(health.net)
      ? {
          rx: number(network.rx, rateMax),
          tx: number(network.tx, rateMax),
          errors: number(network.err, rateMax),
          dropped: number(network.drop, rateMax),
        }
      : null,
    interfaces: list(network.ifs, 64)
      .filter(isFields)
      .map(({ n, rx, tx, speed }) => ({
        name: shown(n, 64),
        rx: number(rx, rateMax),
        tx: number(tx, rateMax),
        speed: number(speed, 1e9),
      })),
    moreInterfaces: number(network.ifs_more, 1e6) ?? 0,
    temperatures: temperatures(health),
    moreTemperatures: number(health.temps_more, 1e6) ?? 0,
    up: number(health.up, 1e11),
    tasks: {
      running: number(tasks.run, 1e9),
      total: number(tasks.total, 1e9),
      blocked: number(tasks.blocked, 1e9),
    },
    agent: { cpu: percent(agent.cpu), rss: number(agent.rss, bytesMax) },
    failed: list(health.err, 32)
      .map((name) => shown(name, 64))
      .filter((name) => name !== ""),
    identity: readIdentity(record.info),
  };
}

/** True when nothing but the two fields of an old agent is known. */
export function isBare(sample: Sample): boolean {
  return (
    !sample.modern &&
    metricNames.every((name) => bareNames.has(name) || sample.metrics[name] === null)
  );
}

const bareNames: ReadonlySet<MetricName> = new Set<MetricName>(["storage", "network"]);
