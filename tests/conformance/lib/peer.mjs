// socket.io-client, with its events as queues that a row can await.

import { io } from "socket.io-client";
import { Cable } from "./cable.mjs";
import { within } from "./wait.mjs";

/** What `transports` of the client makes the three columns of the matrix. */
export const columns = {
  polling: ["polling"],
  websocket: ["websocket"],
  upgrade: ["polling", "websocket"],
};

class Queue {
  #items = [];
  #readers = [];

  push(item) {
    const reader = this.#readers.shift();
    if (reader) reader(item);
    else this.#items.push(item);
  }

  next(what, ms) {
    if (this.#items.length) return Promise.resolve(this.#items.shift());
    return within(new Promise((resolve) => this.#readers.push(resolve)), what, ms);
  }

  get rest() {
    return this.#items.splice(0);
  }
}

/** One socket of one namespace. */
export class Peer {
  #queues = new Map();

  constructor(socket) {
    this.socket = socket;
    socket.onAny((event, ...args) => this.#queue(event).push(args));
    for (const event of ["connect", "connect_error", "disconnect"]) {
      socket.on(event, (...args) => this.#queue(event).push(args));
    }
  }

  #queue(event) {
    if (!this.#queues.has(event)) this.#queues.set(event, new Queue());
    return this.#queues.get(event);
  }

  /** The arguments of the next `event`, of the oldest one not yet taken. */
  next(event, ms) {
    return this.#queue(event).next(event, ms);
  }

  /** The next `count` events of that name, the first argument of each. */
  async collect(event, count, ms) {
    const got = [];
    while (got.length < count) got.push((await this.next(event, ms))[0]);
    return got;
  }

  /** Events of that name that nobody took. */
  rest(event) {
    return this.#queue(event).rest;
  }

  emit(...args) {
    this.socket.emit(...args);
    return this;
  }

  /** Emits and gives the first argument of the ack. */
  ask(...args) {
    return within(this.socket.emitWithAck(...args), `ack of ${args[0]}`);
  }

  get engine() {
    return this.socket.io.engine;
  }

  get wire() {
    return this.engine.transport.name;
  }
}

/** What a row gets: peers of one column against one server, all closed at its end. */
export class Peers {
  #open = [];
  #cable;

  constructor(server, column) {
    this.server = server;
    this.column = column;
  }

  /** A peer that is on its way. Without options it neither reconnects nor shares a connection. */
  start(nsp = "/", options = {}) {
    const socket = io(`${this.server.url}${nsp}`, {
      transports: columns[this.column],
      forceNew: true,
      reconnection: false,
      ...options,
    });
    this.#open.push(socket);
    return new Peer(socket);
  }

  /** A connected peer; in the upgrade column after its upgrade. */
  async join(nsp = "/", options = {}) {
    const peer = this.start(nsp, options);
    await peer.next("connect");
    await this.settled(peer);
    return peer;
  }

  /** Another namespace over the connection of `peer`, on its way. */
  startBeside(peer, nsp, options = {}) {
    const socket = peer.socket.io.socket(nsp, options);
    this.#open.push(socket);
    return new Peer(socket);
  }

  async beside(peer, nsp, options = {}) {
    const other = this.startBeside(peer, nsp, options);
    await other.next("connect");
    return other;
  }

  /** The server through a cable that can be cut: peers started from now on use it. */
  async throughCable() {
    this.#cable = await Cable.to(this.server);
    this.server = this.#cable;
    return this.#cable;
  }

  /** In the upgrade column: the peer is on its websocket. */
  async settled(peer) {
    if (this.column !== "upgrade" || peer.wire === "websocket") return;
    await within(new Promise((resolve) => peer.engine.once("upgrade", resolve)), "upgrade");
  }

  close() {
    for (const socket of this.#open.splice(0)) {
      socket.io.opts.reconnection = false;
      socket.io.reconnection(false);
      socket.disconnect();
      socket.io._close();
    }
    this.#cable?.close();
  }
}
