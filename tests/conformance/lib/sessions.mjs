// Sessions by hand, cheap enough for thousands: over polling and over websocket, both revisions.
// What they speak to has the handlers of conformance-server: `message` comes back.

import WebSocket from "ws";
import { SEPARATOR, compose } from "./http.mjs";
import { Raw } from "./raw.mjs";
import { within } from "./wait.mjs";

/** An answer that no client should see. */
export class Refused extends Error {
  constructor({ status, body }) {
    super(`${status} ${body.toString().slice(0, 100)}`);
    try {
      this.code = JSON.parse(body).code;
    } catch {
      this.code = undefined;
    }
  }
}

/** Where requests go out: a connection kept alive (`keep`), or one for each of them. */
export class Line {
  #raw;

  constructor(server, { keep = false, from, headers = {} } = {}) {
    this.server = { host: server.host, port: server.port, from };
    this.keep = keep;
    this.headers = keep ? { Connection: "keep-alive", ...headers } : headers;
  }

  /** The body of a 200; anything else is an error. */
  async ask(target, { method = "GET", body, ms } = {}) {
    if (!this.#raw || this.#raw.ended) this.#raw = await Raw.open(this.server);
    const raw = this.#raw;
    raw.write(compose(this.server, target, { method, headers: this.headers, body }));
    const answer = await raw.response(method, ms);
    const [cookie] = (answer.headers["set-cookie"] ?? "").split(";");
    if (cookie) this.headers = { ...this.headers, Cookie: cookie };
    if (!this.keep || /close/i.test(answer.headers.connection ?? "")) this.end();
    if (answer.status !== 200) throw new Refused(answer);
    return answer.body.toString();
  }

  end() {
    this.#raw?.destroy();
    this.#raw = undefined;
  }
}

/** The packets of a polling payload. */
function unpack(text, revision) {
  if (revision === 4) return text.split(SEPARATOR);
  const packets = [];
  while (text) {
    const colon = text.indexOf(":");
    const length = Number(text.slice(0, colon));
    if (!(colon > 0 && length > 0)) throw new Error(`not a payload: ${text.slice(0, 100)}`);
    packets.push(text.slice(colon + 1, colon + 1 + length));
    text = text.slice(colon + 1 + length);
  }
  return packets;
}

const pack = (packet, revision) => (revision === 4 ? packet : `${packet.length}:${packet}`);

/** A session over polling whose requests go one after the other. */
export class PollingSession {
  #packets = [];

  /** Opens it and joins `/`. */
  static async open(line, { revision = 4, base = "/socket.io/" } = {}) {
    const made = new PollingSession();
    made.line = line;
    made.revision = revision;
    made.path = `${base}?EIO=${revision}&transport=polling${revision === 3 ? "&b64=1" : ""}`;
    const [open, ...rest] = unpack(await line.ask(made.path), revision);
    made.handshake = JSON.parse(open.slice(1));
    made.path += `&sid=${made.handshake.sid}`;
    made.#packets = rest;
    if (revision === 4) await made.say("40");
    await made.#until((packet) => packet.startsWith("40"));
    return made;
  }

  async say(packet) {
    const body = pack(packet, this.revision);
    const answer = await this.line.ask(this.path, { method: "POST", body });
    if (answer !== "ok") throw new Error(`a post was answered: ${answer.slice(0, 100)}`);
  }

  /** Polls until a packet is as wanted. A close packet is an error that says `closed`. */
  async #until(wanted) {
    for (;;) {
      const packet = this.#packets.shift();
      if (packet === undefined) {
        this.#packets = unpack(await this.line.ask(this.path, { ms: 30_000 }), this.revision);
      } else if (packet === "1") {
        throw Object.assign(new Error("closed by the other side"), { closed: true });
      } else if (packet === "2") {
        await this.say("3");
      } else if (wanted(packet)) {
        return;
      }
    }
  }

  /** Says something and waits until it has come back. */
  async echo(value) {
    await this.say(`42["message",${JSON.stringify(value)}]`);
    const back = `42["message-back",${JSON.stringify(value)}]`;
    await this.#until((packet) => packet === back);
  }

  async close() {
    await this.say("1");
    this.line.end();
  }
}

/** A session over polling that always holds a poll, as real clients do. */
export class HeldSession {
  #waiting = new Map();
  #last = Promise.resolve();

  static async open(line, posts, options) {
    const made = new HeldSession();
    made.session = await PollingSession.open(line, options);
    made.handshake = made.session.handshake;
    made.posts = posts;
    made.closed = made.#poll().catch((error) => (made.error = error));
    return made;
  }

  async #poll() {
    const { session } = this;
    while (!this.leaving) {
      const payload = await session.line.ask(session.path, { ms: 60_000 });
      for (const packet of unpack(payload, session.revision)) {
        if (packet === "2") await this.say("3");
        if (packet === "1")
          throw Object.assign(new Error("closed by the other side"), { closed: true });
        if (!packet.startsWith('42["message-back",')) continue;
        const [, value] = JSON.parse(packet.slice(2));
        this.#waiting.get(value)?.();
        this.#waiting.delete(value);
      }
    }
  }

  /** One post after the other: a pong may be due while something else is said. */
  say(packet) {
    const { path, revision } = this.session;
    const post = async () => {
      const answer = await this.posts.ask(path, { method: "POST", body: pack(packet, revision) });
      if (answer !== "ok") throw new Error(`a post was answered: ${answer.slice(0, 100)}`);
    };
    const said = this.#last.then(post);
    this.#last = said.catch(() => {});
    return said;
  }

  async echo(value) {
    const back = new Promise((done) => this.#waiting.set(value, done));
    await this.say(`42["message",${JSON.stringify(value)}]`);
    const ended = this.closed.then(() => {
      throw this.error ?? new Error("closed");
    });
    await within(Promise.race([back, ended]), "echo over polling");
  }

  async close() {
    this.leaving = true;
    await this.say("1");
    await within(this.closed, "end of the last poll");
    this.session.line.end();
    this.posts.end();
  }
}

/** A session over websocket. */
export class WebSocketSession {
  #waiting = new Map();

  static async open({ host, port }, { from, base = "/socket.io/", headers = {} } = {}) {
    const made = new WebSocketSession();
    const url = `ws://${host}:${port}${base}?EIO=4&transport=websocket`;
    made.socket = new WebSocket(url, { localAddress: from, perMessageDeflate: false, headers });
    const { socket } = made;
    made.closed = new Promise((done) => socket.once("close", (code) => done((made.code = code))));
    const joined = new Promise((done, fail) => {
      socket.on("message", (data) => made.#take(String(data), done));
      socket.once("error", fail);
      socket.once("close", (code) => fail(new Error(`closed (${code}) before it was open`)));
    });
    socket.on("error", () => {});
    await within(joined, "websocket session");
    return made;
  }

  #take(packet, joined) {
    if (packet.startsWith("0")) {
      this.handshake = JSON.parse(packet.slice(1));
      this.socket.send("40");
    } else if (packet === "2") {
      this.socket.send("3");
    } else if (packet.startsWith("40")) {
      joined();
    } else if (packet.startsWith('42["message-back",')) {
      const [, value] = JSON.parse(packet.slice(2));
      this.#waiting.get(value)?.();
      this.#waiting.delete(value);
    }
  }

  async echo(value) {
    const back = new Promise((done) => this.#waiting.set(value, done));
    this.socket.send(`42["message",${JSON.stringify(value)}]`);
    const ended = this.closed.then((code) => {
      throw Object.assign(new Error(`closed (${code})`), { closed: true });
    });
    await within(Promise.race([back, ended]), "echo over websocket");
  }

  async close() {
    this.socket.close();
    await within(this.closed, "close of a websocket");
  }
}

/** Counts things by their name. */
export class Tally extends Map {
  add(name) {
    this.set(name, (this.get(name) ?? 0) + 1);
  }
  get sum() {
    return [...this.values()].reduce((sum, n) => sum + n, 0);
  }
}

/**
 * `count` polling sessions, some at a time: each opens, echoes and leaves; from several addresses,
 * on connections of one request and kept ones, in both revisions. Gives {errors, spread}: what
 * failed, and how many sessions had which ping interval (which tells the nodes apart).
 */
export async function crowd(server, count, atATime = 4) {
  const errors = new Tally();
  const spread = new Tally();
  let begun = 0;
  const one = async (lane) => {
    const kept = new Line(server, { keep: true, from: `127.0.0.${2 + lane}` });
    while (begun < count) {
      const i = begun++;
      const single = () => new Line(server, { from: `127.0.0.${2 + (i % 50)}` });
      try {
        // A kept connection carries many sessions, one after the other.
        const line = i % 2 ? kept : single();
        const session = await PollingSession.open(line, { revision: i % 4 === 1 ? 3 : 4 });
        spread.add(session.handshake.pingInterval);
        await session.echo(`${i}`);
        await session.close();
      } catch (error) {
        errors.add(error.code === 1 ? "code 1" : error.message);
        kept.end();
      }
    }
    kept.end();
  };
  await Promise.all(Array.from({ length: atATime }, (_, lane) => one(lane)));
  return { errors, spread };
}
