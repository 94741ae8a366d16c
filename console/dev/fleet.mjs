// A made-up fleet whose values wander, for work on the page without native servers.

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
    this.memory = 20 + Math.random() * 60;
    this.storage = 10 + Math.random() * 85;
    this.network = Math.random() ** 4 * 900;
    this.load = [0, 0, 0].map(() => (this.cpu / 100) * this.cpus);
  }

  sample() {
    this.cpu = wander(this.cpu, 12, 0.2, 100);
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
      info: { host: id, cpus: this.cpus, mem: this.total },
      health: {
        storage,
        network,
        cpu: { pct: round(this.cpu, 1) },
        load: this.load.map((value) => round(value, 2)),
        mem: {
          total: this.total,
          avail: Math.round(this.total * (1 - this.memory / 100)),
          pct: round(this.memory, 1),
        },
        err: [],
      },
      socketID,
    };
  }
}
