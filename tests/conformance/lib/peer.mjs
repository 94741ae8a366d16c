// One socket of one namespace, of whatever client: its events are queues that a row can await.
// What differs between clients is in javascript_client.mjs and python_client.mjs.

import { within } from "./wait.mjs";

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

/** What the server emits to every client. */
export const heard = [
  ...["auth", "message-back", "bcast-out", "others-out", "room-out"],
  ...["big-back", "burst-back", "answered", "question"],
];

/**
 * Clients give: id, engineId, wire, connected, comesBack, emit(event, ...args[, ack]), leave(),
 * connect() again, answer(event, reply), heartbeats(n), attemptFailed(), mute(), settled().
 */
export class Peer {
  #queues = new Map();
  #listeners = new Map();

  /** Clients report everything here: events, and `connect`, `refused`, `disconnect`. */
  heard(event, args) {
    const listener = this.#listeners.get(event);
    if (listener) listener(...args);
    else this.#queue(event).push(args);
  }

  #queue(event) {
    if (!this.#queues.has(event)) this.#queues.set(event, new Queue());
    return this.#queues.get(event);
  }

  /** From now on these events go to `listener` instead of their queue. */
  on(event, listener) {
    this.#listeners.set(event, listener);
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

  /** Why the next disconnect happened. */
  async left(ms) {
    return (await this.next("disconnect", ms))[0];
  }

  /** The next refusal: {message, data}, as much of it as this client is told. */
  async refused(ms) {
    return (await this.next("refused", ms))[0];
  }

  /** Emits and gives all arguments of the ack. */
  askAll(...args) {
    const acked = new Promise((resolve) => this.emit(...args, (...back) => resolve(back)));
    return within(acked, `ack of ${args[0]}`);
  }

  /** Emits and gives the first argument of the ack. */
  async ask(...args) {
    return (await this.askAll(...args))[0];
  }
}
