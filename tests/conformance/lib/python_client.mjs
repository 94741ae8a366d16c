// python-socketio as a client of the matrix: python_client.py does the work in a process of its
// own, told and asked over its standard streams.

import { lineOf, start } from "./launch.mjs";
import { Peer } from "./peer.mjs";
import { within } from "./wait.mjs";

const reasons = {
  "client disconnect": "io client disconnect",
  "server disconnect": "io server disconnect",
};

function packed(value) {
  if (Buffer.isBuffer(value)) return { $bytes: value.toString("base64") };
  if (Array.isArray(value)) return value.map(packed);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, packed(each)]));
}

function unpacked(value) {
  if (Array.isArray(value)) return value.map(unpacked);
  if (value === null || typeof value !== "object") return value;
  const keys = Object.keys(value);
  if (keys.length === 1 && keys[0] === "$bytes") return Buffer.from(value.$bytes, "base64");
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, unpacked(each)]));
}

/** What the peers of one connection share. */
class Connection {
  peers = new Map();
  acks = new Map();
  lastAck = 0;
  onHeartbeat = () => {};
  closed = false;

  constructor(number, tell) {
    this.number = number;
    this.tell = tell;
  }

  report({ nsp, event, args, ack, heartbeat, failure, ...about }) {
    if (this.closed) return;
    if (failure) process.stderr.write(`python-client: ${failure}\n`); // its row will wait in vain
    if (heartbeat) this.onHeartbeat();
    if (ack !== undefined) this.acks.get(ack)(...unpacked(args));
    if (event) this.peers.get(nsp).report(event, unpacked(args), about);
  }
}

class PythonPeer extends Peer {
  connected = false;

  constructor(connection, nsp) {
    super();
    this.connection = connection;
    this.nsp = nsp;
    connection.peers.set(nsp, this);
  }

  report(event, args, { id, engine, wire, question }) {
    if (wire) this.wire = wire;
    if (event === "connect") Object.assign(this, { id, engineId: engine, connected: true });
    if (event === "disconnect") {
      this.connected = false;
      this.heard(event, [reasons[args[0]] ?? args[0]]);
    } else if (event === "connect_error") {
      this.heard("refused", args);
    } else if (question !== undefined) {
      const reply = (...back) => this.#tell("answer", { question, args: packed(back) });
      this.heard(event, [...args, reply]);
    } else {
      this.heard(event, args);
    }
  }

  #tell(what, more = {}) {
    this.connection.tell({ do: what, ...more });
  }

  emit(...args) {
    const { connection, nsp } = this;
    let ack;
    if (typeof args.at(-1) === "function") {
      ack = connection.lastAck += 1;
      connection.acks.set(ack, args.pop());
    }
    this.#tell("emit", { peer: connection.number, nsp, args: packed(args), ack });
    return this;
  }

  answer(event, reply) {
    this.on(event, (...args) => args.pop()(...reply(...args)));
  }

  leave() {
    this.#tell("leave", { peer: this.connection.number });
  }

  async heartbeats(n) {
    let seen = 0;
    const all = new Promise((resolve) => {
      this.connection.onHeartbeat = () => ++seen === n && resolve();
    });
    await within(all, `${n} heartbeats`);
  }

  async attemptFailed() {
    await this.next("refused");
  }

  mute() {
    this.#tell("mute", { peer: this.connection.number });
  }

  async settled() {} // the upgrade comes before the first event
}

/** python-socketio: {open, close} for Peers. */
export class PythonClient {
  dropped = (column) => (column === "polling" ? "io server disconnect" : "transport error");
  timedOut = "transport error";
  revision = 4;
  #connections = new Map();
  #last = 0;

  async load() {
    this.program = start("python-client", []);
    await lineOf(this.program, (line) => line === "ready python-client", "ready line", 10_000);
    this.program.child.on("line", (line) => {
      const { peer, ...report } = JSON.parse(line);
      this.#connections.get(peer)?.report(report);
    });
  }

  open(url, nsps, transports, { auth, query, reconnection = false } = {}) {
    const number = (this.#last += 1);
    const tell = (command) => this.program.child.stdin.write(`${JSON.stringify(command)}\n`);
    const connection = new Connection(number, tell);
    this.#connections.set(number, connection);
    const peers = nsps.map((nsp) => new PythonPeer(connection, nsp));
    const to = query ? `${url}?${new URLSearchParams(query)}` : url;
    tell({ do: "open", peer: number, url: to, nsps, transports, auth: auth ?? null, reconnection });
    return peers;
  }

  close({ connection }) {
    if (connection.closed) return;
    connection.closed = true;
    this.#connections.delete(connection.number);
    connection.tell({ do: "close", peer: connection.number });
  }

  end() {
    this.program?.child.stdin.end();
  }
}
