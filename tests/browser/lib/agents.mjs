// Agents whose samples a test decides: real clients of a real node, hosts that do not exist.

import { createRequire } from "node:module";

const require = createRequire(new URL("../../conformance/package.json", import.meta.url));

/** A record of the second version; `health` and `info` are laid over what an idle host says. */
export function sample(id, { seq = 1, health = {}, info = {} } = {}) {
  const mem = { total: 8e9, avail: 6e9, pct: 25, swap_total: 0, swap_used: 0 };
  return {
    id,
    v: 2,
    run: "scripted",
    seq,
    ts: Date.now(),
    interval_ms: 1000,
    info: { host: id, os: "Debian", kernel: "6.1", arch: "x86_64", cpus: 4, ...info },
    health: {
      storage: 40,
      network: 0,
      cpu: { pct: 5, user: 3, sys: 2, iowait: 0, steal: 0, cores: [2, 4, 6, 8] },
      load: [0.1, 0.1, 0.1],
      mem,
      disk: [
        { m: "/", fs: "ext4", size: 1e11, avail: 6e10, pct: 40, ipct: 3, ro: false },
        { m: "/srv", fs: "xfs", size: 2e12, avail: 1e12, pct: 50, ipct: 1, ro: true },
      ],
      net: { rx: 1e6, tx: 2e6, err: 0, drop: 0, ifs: [{ n: "eth0", rx: 1e6, tx: 2e6 }] },
      up: 90_061,
      ...health,
    },
  };
}

/** Hosts that send a sample a second until `stop` is called. */
export class Agents {
  #open = new Map();

  constructor(url) {
    this.url = url;
  }

  /** Adds a host, or changes what one says from now on. An original's record has no `v`. */
  say(id, record) {
    const known = this.#open.get(id);
    if (known !== undefined) {
      known.record = record;
      known.send();
      return;
    }
    const { io } = require("socket.io-client");
    const socket = io(this.url, { transports: ["websocket"], forceNew: true });
    const host = { record, seq: 0 };
    const next = () => {
      host.seq += 1;
      return host.record.v === 2 ? { ...host.record, seq: host.seq, ts: Date.now() } : host.record;
    };
    host.send = () => socket.connected && socket.emit("client_healthcheck", next());
    socket.on("connect", () => socket.emit("client_connected", next()));
    host.timer = setInterval(host.send, 1000);
    host.socket = socket;
    this.#open.set(id, host);
  }

  /** The host says nothing any more, but stays connected. */
  silence(id) {
    clearInterval(this.#open.get(id).timer);
  }

  stop() {
    for (const { timer, socket } of this.#open.values()) {
      clearInterval(timer);
      socket.disconnect();
    }
    this.#open.clear();
  }
}
