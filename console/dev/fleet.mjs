// A made-up fleet whose values wander, for work on the page without native servers.

import { moreHealth, moreInfo } from "./details.mjs";

export const columns = [
  ...["id", "state", "flags", "name", "region", "tags", "storage", "network", "cpu", "mem"],
  ...["load", "psi", "up", "seen", "rule", "value", "limit", "since", "v"],
];

const regions = ["eu-west-3", "eu-central-1", "us-east-1"];
const roles = ["web", "db", "cache", "build", "edge"];

function wander(value, step, least, most) {
  const next = value + (Math.random() - 0.5) * step;
  return Math.min(Math.max(next, least), most);
}

function round(value, digits) {
  return Number(value.toFixed(digits));
}

/** One host; `sample()` gives its next `client_healthcheck` as the node passes it on. */
export class FakeHost {
  constructor(index) {
    this.old = index % 17 === 16; // an agent of the original work
    this.silent = false;
    this.id = `${roles[index % roles.length]}-${Math.floor(index / roles.length) + 1}`;
    if (index === 11) this.id = "a-host-with-a-name-that-goes-on-and-on.eu-west-3.compute.internal";
    if (index === 12) this.id = "spoof\u202Egnp.exe\u0000\u200B";
    this.socketID = `mock-${index}-${Math.random().toString(36).slice(2, 8)}`;
    this.run = Math.random().toString(16).slice(2, 10);
    this.seq = 0;
    this.cpus = [2, 4, 8, 64][index % 4];
    this.total = [4, 8, 16, 512][index % 4] * 2 ** 30;
    this.cpu = Math.random() * 60;
    this.memory = 20 + Math.random() ** 2 * 68;
    this.storage = 10 + Math.random() ** 2 * 87;
    this.network = Math.random() ** 4 * 900;
    this.load = [0, 0, 0].map(() => (this.cpu / 100) * this.cpus);
    this.pressure = Math.random() * 3;
    this.started = Date.now() - Math.random() ** 3 * 90 * 86_400_000;
    this.role = roles[index % roles.length];
    this.region = regions[index % regions.length];
    const synthetic = index % 29 === 7 ? ["synthetic"] : [];
    this.tags = [index % 6 === 0 ? "staging" : "prod", `role:${this.role}`, ...synthetic];
    this.muted = index % 41 === 3;
    this.seen = Date.now();
    this.since = this.seen;
    this.last = "ok";
  }

  /** The state a node would give it, with what is to blame. */
  judge() {
    const silentMs = Date.now() - this.seen;
    let verdict = { state: "ok" };
    if (silentMs > 30_000) verdict = { state: "offline" };
    else if (silentMs > 7500) verdict = { state: "stale" };
    else if (!this.old) {
      for (const [rule, value] of [
        ["storage", this.storage],
        ["cpu", this.cpu],
        ["mem", this.memory],
      ]) {
        if (value >= 95) verdict = { state: "crit", rule, value: round(value, 1), limit: 95 };
        else if (value >= 85 && verdict.state === "ok")
          verdict = { state: "warn", rule, value: round(value, 1), limit: 85 };
      }
    }
    if (verdict.state !== this.last) this.since = Date.now();
    this.last = verdict.state;
    return verdict;
  }

  /** The row of a second version's snapshot or delta, in the order of `columns`. */
  row() {
    const { state, rule = null, value = null, limit = null } = this.judge();
    const flags = this.muted ? 2 : 0;
    const measured = this.old
      ? [null, null, null, null, null]
      : [
          round(this.cpu, 1),
          round(this.memory, 1),
          round(this.load[0], 2),
          round(this.pressure, 1),
          Math.round((Date.now() - this.started) / 1000),
        ];
    const facts = this.old ? ["", "", []] : [`${this.id}.example`, this.region, this.tags];
    return [
      ...[this.id, state, flags, ...facts, round(this.storage, 1), round(this.network, 3)],
      ...[...measured, this.seen, rule, value, limit, rule ? this.since : null, this.old ? 1 : 2],
    ];
  }

  sample() {
    this.seen = Date.now();
    this.pressure = wander(this.pressure, 1, 0, 60);
    this.cpu = wander(this.cpu, 12, 0.2, 100);
    if (this.cpu > 80 && Math.random() < 0.5) this.cpu -= 8;
    this.memory = wander(this.memory, 2, 3, 99);
    this.storage = wander(this.storage, 0.1, 1, 99.9);
    this.network = wander(this.network, this.network * 0.4 + 0.1, 0, 10_000);
    const target = (this.cpu / 100) * this.cpus;
    this.load = this.load.map((now, i) => now + (target - now) * [0.3, 0.1, 0.03][i]);
    const { id, socketID } = this;
    const storage = round(this.storage, 1);
    const network = round(this.network, 3);
    if (this.old) return { id, health: { storage, network }, socketID };
    this.seq += 1;
    return {
      id,
      v: 2,
      run: this.run,
      seq: this.seq,
      ts: Date.now(),
      interval_ms: 2500,
      info: {
        ...moreInfo(this),
        host: `${id}.example`,
        ...{ cpus: this.cpus, mem: this.total, region: this.region, tags: this.tags },
      },
      health: {
        storage,
        network,
        load: this.load.map((value) => round(value, 2)),
        mem: {
          total: this.total,
          avail: Math.round(this.total * (1 - this.memory / 100)),
          pct: round(this.memory, 1),
        },
        ...moreHealth(this),
        up: Math.round((Date.now() - this.started) / 1000),
        err: [],
      },
      socketID,
    };
  }
}
