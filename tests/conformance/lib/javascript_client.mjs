// socket.io-client of any release as a client of the matrix.

import { Peer, heard } from "./peer.mjs";
import { until, within } from "./wait.mjs";

const modules = {
  "2.3": "socket.io-client-2.3",
  "2.5": "socket.io-client-2.5",
  "3.1": "socket.io-client-3.1",
  4: "socket.io-client",
};

class JavaScriptPeer extends Peer {
  constructor(socket, revision) {
    super();
    this.socket = socket;
    for (const event of [...heard, "connect", "disconnect"]) {
      socket.on(event, (...args) => this.heard(event, args));
    }
    // A release 2 client is told of a refusal by an `error` that carries the packet's payload.
    const [event, read] = revision === 3 ? ["error", oldRefusal] : ["connect_error", refusal];
    socket.on(event, (why) => this.heard("refused", [read(why)]));
  }

  get id() {
    return this.socket.id;
  }

  get engine() {
    return this.socket.io.engine;
  }

  get engineId() {
    return this.engine.id;
  }

  get wire() {
    return this.engine.transport.name;
  }

  get connected() {
    return this.socket.connected;
  }

  /** Whether the client means to be connected. */
  get comesBack() {
    return Boolean(this.socket.subs);
  }

  emit(...args) {
    this.socket.emit(...args);
    return this;
  }

  /** Answers questions of the server with the array that `reply` gives. */
  answer(event, reply) {
    this.on(event, (...args) => args.pop()(...reply(...args)));
  }

  leave() {
    this.socket.disconnect();
  }

  /** After a disconnect. Old releases take the end of the last connection for the new one's. */
  async connect() {
    const ended = () => !["open", "closing"].includes(this.engine.readyState);
    await until(ended, "end of the connection");
    this.socket.connect();
  }

  /** Resolves with the n-th heartbeat from now on. */
  async heartbeats(n) {
    const { engine } = this;
    let seen = 0;
    await within(
      new Promise((resolve) =>
        engine.on("packet", ({ type, data }) => {
          if (["ping", "pong"].includes(type) && !data && ++seen === n) resolve();
        }),
      ),
      `${n} heartbeats`,
    );
  }

  attemptFailed() {
    const failed = new Promise((resolve) => this.socket.io.once("reconnect_error", resolve));
    return within(failed, "failed attempt");
  }

  /** No heartbeat goes out any more, and the client does not mind that none comes. */
  mute() {
    const { engine } = this;
    const name = engine._sendPacket ? "_sendPacket" : "sendPacket";
    const send = engine[name].bind(engine);
    engine[name] = (type, ...rest) => !/^p[io]ng$/.test(type) && send(type, ...rest);
    clearTimeout(engine.pingIntervalTimer);
    clearTimeout(engine.pingTimeoutTimer);
    clearTimeout(engine._pingTimeoutTimer);
    engine.setPing = engine.resetPingTimeout = engine._resetPingTimeout = () => {};
    engine.off("heartbeat");
  }

  /** With both transports: the peer is on its websocket. */
  async settled() {
    if (this.wire === "websocket") return;
    await within(new Promise((resolve) => this.engine.once("upgrade", resolve)), "upgrade");
  }
}

function refusal({ message, data }) {
  return data === undefined ? { message } : { message, data };
}

function oldRefusal(payload) {
  if (typeof payload === "string") return { message: payload };
  return payload.message ? payload : { data: payload };
}

/** One release: {open, close} for Peers. */
export class JavaScriptClient {
  /** What it says when the server drops it, or falls silent. */
  dropped = () => "transport close";
  timedOut = "ping timeout";

  /** `always`: options of all its connections. */
  constructor(release, always = {}) {
    this.release = release;
    this.always = always;
    this.revision = release.startsWith("2") ? 3 : 4;
  }

  async load() {
    const module = await import(modules[this.release]);
    this.io = module.io ?? module.default;
  }

  /** Peers of `nsps` on one connection of their own, on their way. */
  open(url, nsps, transports, options = {}) {
    const [first, ...others] = nsps;
    const socket = this.io(`${url}${first}`, {
      transports,
      forceNew: true,
      reconnection: false,
      ...this.always,
      ...options,
    });
    const beside = others.map((nsp) => socket.io.socket(nsp, options));
    return [socket, ...beside].map((each) => new JavaScriptPeer(each, this.revision));
  }

  /** Another namespace over the connection of `peer`, on its way. */
  openBeside(peer, nsp, options = {}) {
    return new JavaScriptPeer(peer.socket.io.socket(nsp, options), this.revision);
  }

  close({ socket }) {
    socket.io.reconnection(false);
    socket.disconnect();
    if (socket.io._close) socket.io._close();
    else socket.io.close();
  }

  end() {}
}
