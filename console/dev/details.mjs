// What the page of one host shows beside the table's numbers, made up from them.

const gib = 2 ** 30;

function round(value, digits) {
  return Number(value.toFixed(digits));
}

function cores(host) {
  const each = Array.from({ length: Math.min(host.cpus, 128) }, (_, core) =>
    Math.round(Math.min(100, Math.max(0, host.cpu + 30 * Math.sin(core * 1.7 + host.seq / 5)))),
  );
  if (each.length <= 64) return each;
  const top = each.map((pct, core) => [core, pct]).sort((a, b) => b[1] - a[1]);
  const mean = Math.round(each.reduce((a, b) => a + b, 0) / each.length);
  return {
    n: each.length,
    min: Math.min(...each),
    mean,
    max: Math.max(...each),
    top: top.slice(0, 10),
  };
}

function mounts(host) {
  const mount = (m, fs, size, pct, more = {}) => ({
    m,
    fs,
    size,
    avail: Math.round(size * (1 - pct / 100)),
    pct: round(pct, 1),
    ipct: round(pct / 9, 1),
    ro: false,
    ...more,
  });
  return [
    mount("/", "ext4", 48 * gib, host.storage),
    mount("/var/lib/data", "xfs", 1800 * gib, host.storage * 0.7),
    mount("/boot", "ext4", gib, 21),
    mount("/srv/archive with spaces", "ext4", 4000 * gib, 55, { ro: host.seq % 400 > 390 }),
  ];
}

/** More of `health`, for a modern host. */
export function moreHealth(host) {
  const wait = Math.max(0, host.cpu - 60) / 2;
  const bytes = (host.network * 1e6) / 8;
  const rx = Math.round(bytes * 0.7);
  const tx = Math.round(bytes * 0.3);
  return {
    cpu: {
      pct: round(host.cpu, 1),
      user: round(host.cpu * 0.7, 1),
      sys: round(host.cpu * 0.25, 1),
      iowait: round(wait / 10, 1),
      steal: round(host.cpu * 0.02, 1),
      cores: cores(host),
    },
    psi: { cpu: [round(wait, 1)], mem: [0.0, 0.0], io: [round(wait / 3, 1), round(wait / 7, 1)] },
    psi60: { cpu: [round(wait * 0.8, 1)], mem: [0.0, 0.0], io: [round(wait / 4, 1), 0.1] },
    disk: mounts(host),
    io: {
      rd: Math.round(host.cpu * 21_000),
      wr: Math.round(host.cpu * 90_000),
      rops: round(host.cpu / 3, 1),
      wops: round(host.cpu * 1.3, 1),
      util: round(host.cpu / 4, 1),
      queue: round(host.cpu / 90, 2),
      r_await_ms: 0.42,
      w_await_ms: 1.87,
    },
    net: {
      rx,
      tx,
      err: 0,
      drop: host.network > 500 ? 0.4 : 0,
      ifs: [
        { n: "eth0", rx: Math.round(rx * 0.9), tx, speed: 1000 },
        { n: "eth1", rx: Math.round(rx * 0.1), tx: 0, speed: 10_000 },
      ],
    },
    temp: { max: round(41 + host.cpu / 3, 1), name: "coretemp Package id 0", crit: 100 },
    temps: [
      { n: "coretemp Package id 0", c: round(41 + host.cpu / 3, 1), crit: 100 },
      { n: "coretemp Core 0", c: round(40 + host.cpu / 3, 1), crit: 100 },
      { n: "nvme Composite", c: 38.9, crit: 84.8 },
    ],
    up: 864_213 + Math.round(host.seq * 2.5),
    procs: { run: 1 + Math.round(host.load[0]), total: 211, blocked: wait > 10 ? 2 : 0 },
    agent: { cpu: 0.02, rss: 1_835_008 },
  };
}

/** More of `info`. */
export function moreInfo(host) {
  return {
    os: "Debian 12",
    kernel: "6.1.0",
    arch: "x86_64",
    agent: "1.0.0",
    scope: "host",
    boot: Math.round(Date.now() / 1000) - 864_213 - Math.round(host.seq * 2.5),
  };
}

/** A history as a node keeps it: six hours of minutes, fifteen minutes as it came, with a gap. */
export function history(host, now = Date.now()) {
  const cols = ["storage", "network", "cpu", "mem", "load", "psi"];
  const row = (at, swing) => {
    const wave = Math.sin(at / 90_000) + Math.sin(at / 700_000) * 2;
    const cpu = Math.min(100, Math.max(1, host.cpu + swing * (4 * wave + 6 * Math.random())));
    return [
      round(Math.min(99.9, host.storage - (now - at) / 40_000_000), 1),
      round(Math.max(0, host.network * (1 + 0.2 * wave * swing)), 3),
      round(cpu, 1),
      round(Math.min(100, Math.max(1, host.memory + wave * swing)), 1),
      round((cpu / 100) * host.cpus, 2),
      round(Math.max(0, cpu - 60) / 2, 1),
    ];
  };
  const intervalMs = 2500;
  const points = 360;
  const minutes = 360;
  const t0 = now - points * intervalMs;
  const m0 = Math.floor(now / 60_000) * 60_000 - minutes * 60_000;
  const gap = (at, from, to) => at >= from && at < to;
  const mean = Array.from({ length: minutes }, (_, at) =>
    gap(at, 200, 226) ? cols.map(() => null) : row(m0 + at * 60_000, 0.7),
  );
  return {
    interval_ms: intervalMs,
    t0,
    cols,
    native: Array.from({ length: points }, (_, at) =>
      gap(at, 120, 150) ? cols.map(() => null) : row(t0 + at * intervalMs, 1),
    ),
    minutes: {
      t0: m0,
      mean,
      max: mean.map((values) => values.map((value) => value && round(value * 1.3, 1))),
    },
  };
}
