// One Engine.IO session over one wire, with the same face for both: send packets, await packets.
// Text packets are strings, binary ones Buffers. Pings are answered unless `pong` is false. A
// polling session `byHand` makes no poll by itself.

import WebSocket from "ws";
import { SEPARATOR, request, target } from "./http.mjs";
import { quietFor, within } from "./wait.mjs";

class Inbox {
  #items = [];
  #readers = [];
  closed = false;

  constructor() {
    this.closing = new Promise((resolve) => (this.close = (how) => {
      this.closed = true;
      resolve(how ?? {});
      this.#readers.splice(0).forEach(({ fail }) => fail(new Error("the session is closed")));
    }));
  }

  push(item) {
    const reader = this.#readers.shift();
    if (reader) reader.take(item);
    else this.#items.push(item);
  }

  shift() {
    if (this.#items.length) return Promise.resolve(this.#items.shift());
    if (this.closed) return Promise.reject(new Error("the session is closed"));
    return new Promise((take, fail) => this.#readers.push({ take, fail }));
  }

  /** What came without being asked for. */
  get rest() {
    return this.#items.splice(0);
  }
}

class Link {
  inbox = new Inbox();
  since = Date.now();

  constructor({ pong = true }) {
    this.pong = pong;
  }

  deliver(packet) {
    if (packet === "2" && this.pong) this.send("3").catch(() => {}); // the session may be over
    else if (packet !== "6") this.inbox.push(packet);
  }

  /** The next packet. */
  next(ms) {
    return within(this.inbox.shift(), "packet", ms);
  }

  /** Resolves when the server has ended the session; packets that came before are kept. */
  closed(ms) {
    return within(this.inbox.closing, "end of the session", ms);
  }

  /** Shows that for `ms` no packet comes and the session stays. */
  async quiet(ms = 100) {
    const rest = this.inbox.rest;
    if (rest.length) throw new Error(`unexpected packet: ${rest[0]}`);
    await quietFor(this.inbox.closing.then(() => "end of the session"), "close", ms);
    const late = this.inbox.rest;
    if (late.length) throw new Error(`unexpected packet: ${late[0]}`);
  }
}

export class WebSocketLink extends Link {
  static kind = "websocket";

  static async open(server, path, options = {}) {
    const link = new WebSocketLink(options);
    const more = options.query ?? {};
    const where = target(path, "websocket", more);
    link.socket = new WebSocket(`ws://${server.host}:${server.port}${where}`);
    link.socket.on("message", (data, isBinary) => {
      link.deliver(isBinary ? data : data.toString());
    });
    link.socket.on("error", (error) => link.inbox.close({ error }));
    link.socket.on("close", (code) => link.inbox.close({ code }));
    const open = await link.next();
    link.handshake = JSON.parse(open.slice(1));
    return link;
  }

  async send(...packets) {
    for (const packet of packets) this.socket.send(packet);
  }

  leave() {
    this.socket.terminate();
  }
}

export class PollingLink extends Link {
  static kind = "polling";
  #gone = false;

  static async open(server, path, options = {}) {
    const link = new PollingLink(options);
    const more = options.query ?? {};
    const answer = await request(server, target(path, "polling", more));
    const [open, ...others] = answer.text.split(SEPARATOR);
    if (!open.startsWith("0")) throw new Error(`no open packet: ${answer.status} ${open}`);
    link.server = server;
    link.handshake = JSON.parse(open.slice(1));
    link.target = target(path, "polling", { ...more, sid: link.handshake.sid });
    others.forEach((packet) => link.deliver(decode(packet)));
    if (!options.byHand) link.#poll();
    return link;
  }

  async #poll() {
    while (!this.#gone) {
      let answer;
      try {
        answer = await request(this.server, this.target, { ms: 60_000 });
      } catch (error) {
        this.inbox.close({ error });
        return;
      }
      if (answer.status !== 200) {
        this.inbox.close({ status: answer.status, text: answer.text });
        return;
      }
      for (const packet of answer.text.split(SEPARATOR)) {
        if (packet === "1") {
          this.inbox.close({});
          return;
        }
        this.deliver(decode(packet));
      }
    }
  }

  async send(...packets) {
    const body = packets.map(encode).join(SEPARATOR);
    const answer = await this.post(body);
    if (answer.status !== 200) throw new Error(`POST was answered ${answer.status}`);
  }

  post(body, headers = { "Content-Type": "text/plain;charset=UTF-8" }) {
    return request(this.server, this.target, { method: "POST", headers, body });
  }

  leave() {
    this.#gone = true;
    this.post("1").catch(() => {});
  }
}

export const links = [PollingLink, WebSocketLink];

function encode(packet) {
  return typeof packet === "string" ? packet : `b${packet.toString("base64")}`;
}

function decode(packet) {
  return packet.startsWith("b") ? Buffer.from(packet.slice(1), "base64") : packet;
}

