// Sends what a recorded client sent, byte for byte, and demands what the recorded server gave.

import assert from "node:assert/strict";
import * as frames from "../lib/frames.mjs";
import { Inflater } from "../lib/inflate.mjs";
import { Raw } from "../lib/raw.mjs";
import { pause } from "../lib/wait.mjs";
import { bytesOf, header, sidOf } from "./capture.mjs";
import { frameName, sameResponse, sameText, Tickets } from "./compare.mjs";
import { packetsOf } from "./packets.mjs";
import { Poll } from "./polling.mjs";

const KEY = "dGhlIHNhbXBsZSBub25jZQ==";
const SHORTEST_THOUGHT = 5; // recorded gaps below this, in ms, are the recorder's own
const LONGEST_THOUGHT = 350;

export class Replay {
  #server;
  #differs; // (step, conn) → entry of deliberate.mjs, or undefined
  #extra; // what the capture does not hold: supplements.mjs
  #answers = new Map(); // connection → its recorded HTTP answer
  #conns = new Map();
  #sids = new Map(); // recorded → session
  #tickets = new Tickets(); // where the capture has them
  taken = []; // reasons of the deliberate differences that were met

  /** `steps` are all of the capture: an answer may be recorded in a later step than its poll. */
  constructor(server, steps, { differs = () => undefined, extra = {} } = {}) {
    this.#server = server;
    for (const record of steps.flatMap(({ records }) => records)) {
      if (record.kind === "http-response") this.#answers.set(record.conn, record);
    }
    this.#differs = differs;
    this.#extra = extra;
  }

  close() {
    for (const { raw } of this.#conns.values()) raw?.destroy();
  }

  /** Replays the records of one step. */
  async step({ note, records }) {
    this.note = note;
    this.records = records;
    this.extra = this.#extra.steps?.[note] ?? {};
    this.startedAt = undefined;
    let previous;
    for (const record of records) {
      if (record.dir === "c2s") await this.#think(previous, record);
      await this.#play(record);
      if (record.kind !== "app") previous = record;
    }
    for (const conn of new Set(records.map((record) => record.conn))) this.#leftover(conn);
  }

  async #play(record) {
    if (record.kind === "app") return this.#app(record.note);
    await this.extra.before?.[record.conn]?.(this, record);
    const conn = this.#conns.get(record.conn) ?? (await this.#open(record));
    if (conn.skip) return;
    if (record.dir === "c2s") {
      this.startedAt ??= Date.now();
      if (record.kind === "http-request") return this.#request(conn, record);
      if (record.kind === "tcp-end") return this.#hangUp(conn);
      return this.#sendFrame(conn, record);
    }
    if (record.kind === "http-response") await this.#response(conn, record);
    else if (record.kind === "tcp-end") await this.#end(conn);
    else await this.#frame(conn, record);
    const least = this.extra.atLeast?.[`${record.conn} ${record.kind}`];
    if (least) assert.ok(Date.now() - this.startedAt >= least - 5, `not before ${least} ms`);
  }

  // --- connections -------------------------------------------------------------------------

  async #open(record) {
    const conn = { number: record.conn, pings: 0, pongsToSkip: 0 };
    conn.recorded = new Inflater();
    conn.live = new Inflater();
    this.#conns.set(record.conn, conn);
    if (record.kind.startsWith("ws-")) await this.#implicitHandshake(conn);
    return conn;
  }

  /** Some captures begin after the open packet of a websocket. */
  async #implicitHandshake(conn) {
    const sentAt = Date.now();
    conn.raw = await Raw.open(this.#server);
    conn.raw.write(
      `GET /socket.io/?EIO=${this.#extra.eio ?? 4}&transport=websocket HTTP/1.1\r\n` +
        `Host: ${this.#server.host}:${this.#server.port}\r\nUpgrade: websocket\r\n` +
        `Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${KEY}\r\n\r\n`,
    );
    assert.equal((await conn.raw.response()).status, 101);
    conn.session = sessionOf((await conn.raw.frame()).payload.toString(), sentAt);
    if (this.#extra.eio === 3) assert.equal((await conn.raw.frame()).payload.toString(), "40");
  }

  /** A connection that the recorder left out: `text` is sent as it is. */
  async connect(number, text) {
    const raw = await Raw.open(this.#server);
    raw.write(text);
    this.#conns.set(number, { number, raw, pings: 0, pongsToSkip: 0 });
  }

  /** The live session that stands for the sid in a recorded request. */
  async session(record) {
    const recorded = sidOf(record);
    if (!recorded || this.#extra.literalSids?.includes(recorded)) return undefined;
    if (!this.#sids.has(recorded)) {
      const sentAt = Date.now();
      const path = record.line.split(" ")[1].split("?")[0];
      const eio = this.#extra.eio ?? 4;
      const target = `${path}?EIO=${eio}&transport=polling`;
      const [open] = packetsOf(await this.#get(target), eio);
      this.#sids.set(recorded, sessionOf(open, sentAt));
      if (eio === 3 && path.startsWith("/socket.io/")) {
        const { sid } = this.#sids.get(recorded);
        assert.equal((await this.#get(`${target}&sid=${sid}`)).toString(), "2:40");
      }
    }
    return this.#sids.get(recorded);
  }

  /** The body of a GET that the recorder did not show. */
  async #get(target) {
    const raw = await Raw.open(this.#server);
    raw.write(
      `GET ${target} HTTP/1.1\r\n` +
        `Host: ${this.#server.host}:${this.#server.port}\r\nConnection: close\r\n\r\n`,
    );
    const { body } = await raw.response();
    raw.destroy();
    return body;
  }

  // --- requests and answers ----------------------------------------------------------------

  async #request(conn, record) {
    conn.request = record;
    conn.session = await this.session(record);
    const answer = this.#answers.get(record.conn);
    if (conn.session && isPoll(record) && answer?.line.includes(" 200 ")) {
      conn.poll = this.#pollOf(conn.session, record);
      return conn.poll.request(record, answer);
    }
    if (record.line.startsWith("POST") && record.text === "3") {
      const poll = conn.session?.poll;
      if (poll?.pongsToSkip > 0) {
        poll.pongsToSkip -= 1;
        conn.skip = true; // this pong went out when its ping came
        return undefined;
      }
      if (conn.session) conn.session.since = Date.now();
    }
    conn.sentAt = Date.now();
    conn.raw = await this.#send(record);
    return undefined;
  }

  #pollOf(session, record) {
    session.poll ??= new Poll(
      (request) => this.#send(request),
      () => notEarly(session),
      () => this.#pong(session, record),
      revisionOf(record),
    );
    return session.poll;
  }

  async #pong(session, record) {
    session.since = Date.now();
    const pong = {
      line: record.line.replace("GET", "POST"),
      headers: [["Host", ""], ["Content-Length", "1"], ["Connection", "close"]],
      text: "3",
    };
    const raw = await this.#send(pong);
    assert.equal((await raw.response()).status, 200, "answer to a pong");
    raw.destroy();
  }

  async #send(record) {
    const session = await this.session(record);
    const line = session ? record.line.replace(sidOf(record), session.sid) : record.line;
    const lines = record.headers.map(([name, value]) => {
      const host = `${this.#server.host}:${this.#server.port}`;
      return `${name}: ${name.toLowerCase() === "host" ? host : value}`;
    });
    const raw = await Raw.open(this.#server);
    const head = Buffer.from(`${[line, ...lines].join("\r\n")}\r\n\r\n`, "latin1");
    raw.write(Buffer.concat([head, bytesOf(record)]));
    return raw;
  }

  async #response(conn, record) {
    if (conn.poll) {
      const ends = header(conn.request, "connection") === "close";
      return conn.poll.answer(conn.request, record, ends);
    }
    const answer = await conn.raw.response(conn.request.line.split(" ")[0]);
    const key = header(conn.request, "sec-websocket-key");
    const other = this.#differs(this.note, conn.number);
    const wanted = other?.answer ?? retyped(record, other?.contentType);
    sameResponse(answer, wanted, key, this.#extra);
    if (other?.contentType) this.taken.push(other.reason);
    if (other?.answer) {
      this.taken.push(other.reason);
      conn.skip = true;
      return conn.raw.end();
    }
    conn.compressed = answer.headers["sec-websocket-extensions"] !== undefined;
    const open = openPacket(answer.body.toString());
    if (open) this.#learn(conn, open, openPacket(record.text));
    return undefined;
  }

  #learn(conn, text, recorded) {
    conn.session = sessionOf(text, conn.sentAt);
    this.#sids.set(JSON.parse(recorded.slice(1)).sid, conn.session);
  }

  async #end(conn) {
    if (!conn.poll) await conn.raw.end();
  }

  // --- frames ------------------------------------------------------------------------------

  #sendFrame(conn, record) {
    if (record.kind === "ws-close") {
      conn.raw.write(frames.encodeClose(record.code, record.reason));
      return;
    }
    if (record.text === "3" && conn.pongsToSkip > 0) {
      conn.pongsToSkip -= 1;
      return;
    }
    if (record.text === "3" && conn.session) conn.session.since = Date.now();
    const opcode = record.kind === "ws-text" ? frames.TEXT : frames.BINARY;
    const filled = this.#extra.tickets && record.text && this.#tickets.fill(record.text);
    conn.raw.write(frames.encode(opcode, filled || bytesOf(record), { rsv: record.rsv1 ? 4 : 0 }));
  }

  async #frame(conn, wanted) {
    const garbage = wanted.kind === "raw-unparsed" || (wanted.rsv1 && !conn.compressed);
    const record =
      wanted.rsv1 && !garbage
        ? { ...wanted, text: conn.recorded.read(bytesOf(wanted)).toString() }
        : wanted;
    if (garbage) {
      await conn.raw.read((bytes, ended) => (ended ? { size: bytes.length } : undefined), "rest");
      return;
    }
    if (record.text === "2" && conn.pings > 0) {
      conn.pings -= 1;
      conn.pongsToSkip += 1;
      return;
    }
    let frame = await conn.raw.frame();
    while (isPing(frame) && record.text !== "2") {
      notEarly(conn.session);
      conn.session.since = Date.now();
      conn.raw.write(frames.encode(frames.TEXT, "3"));
      conn.pings += 1;
      frame = await conn.raw.frame();
    }
    assert.ok(frame.fin && (frame.rsv === 0 || conn.compressed), "whole frame");
    const payload = frame.rsv ? conn.live.read(frame.payload) : frame.payload;
    assert.equal(frameName(frame), record.kind, `frame ${frame.payload}`);
    if (record.kind === "ws-close") {
      assert.equal(frames.closeOf(frame.payload).code, record.code, "close code");
      conn.closed = true;
      return;
    }
    if (record.kind === "ws-binary") {
      assert.equal(payload.toString("hex"), bytesOf(record).toString("hex"));
      return;
    }
    const text = payload.toString();
    if (this.#extra.tickets && !text.startsWith("0{")) {
      this.#tickets.learn(text, record.text);
      assert.equal(Tickets.without(text), Tickets.without(record.text), "text frame");
      return;
    }
    const other = this.#differs(this.note, conn.number);
    const differs = other?.text && other.recorded === record.text;
    sameText(text, differs ? other.text : record.text, "text frame");
    if (differs) this.taken.push(other.reason);
    if (text.startsWith("0{")) this.#learn(conn, text, record.text);
    if (text === "2") notEarly(conn.session);
  }

  // --- what is not a message ---------------------------------------------------------------

  async #app(note) {
    const { command } = this.extra;
    if (command?.note === note && this.commanded !== this.note) {
      this.commanded = this.note;
      await pause(100); // the last request above has to be at the server
      await this.#server.command(command.line);
    }
    const conns = new Set(this.records.map(({ conn }) => conn).filter(Boolean));
    for (const number of conns) {
      const conn = this.#conns.get(number);
      if (note === "result: connection still open") await conn.raw.quiet(80);
      if (note === "result: connection closed by the server") await conn.raw.end();
    }
  }

  /** Gives `line` to the server's standard input. */
  command(line) {
    return this.#server.command(line);
  }

  /** The recorded client hung up: until then the connection must have been open and still. */
  async #hangUp(conn) {
    const other = this.#differs(this.note, conn.number);
    if (conn.closed) {
      await conn.raw.end();
    } else if (other?.closes) {
      assert.equal(frames.closeOf((await conn.raw.frame()).payload).code, null, "close code");
      this.taken.push(other.reason);
    } else if (conn.raw.unread.length === 0 || !isPing(frames.decode(conn.raw.unread))) {
      await conn.raw.quiet(60);
    }
    conn.raw.destroy();
    conn.skip = true;
  }

  #leftover(number) {
    const conn = this.#conns.get(number);
    if (!conn?.raw || conn.skip || conn.raw.unread.length === 0) return;
    const frame = frames.decode(conn.raw.unread);
    if (frame && isPing(frame)) return;
    assert.fail(`unexpected on connection ${number}: ${conn.raw.unread.toString("latin1")}`);
  }

  /** The recorded client let time pass between two messages of its own. */
  async #think(previous, record) {
    if (previous?.dir !== "c2s" && !this.extra.thinks) return;
    const gap = record.t - (previous?.t ?? record.t);
    if (gap < SHORTEST_THOUGHT) return;
    await pause(Math.min(Math.max(gap, this.extra.leastThought ?? 0), LONGEST_THOUGHT));
  }
}

function isPoll(record) {
  const { line } = record;
  return line.startsWith("GET") && line.includes("transport=polling") && !/[?&]j=/.test(line);
}

function revisionOf(record) {
  return /[?&]EIO=3/.test(record.line) ? 3 : 4;
}

/** The record with another Content-Type. */
function retyped(record, type) {
  if (!type) return record;
  const rest = record.headers.filter(([name]) => name.toLowerCase() !== "content-type");
  return { ...record, headers: [...rest, ["Content-Type", type]] };
}

/** The open packet at the front of a body of either revision, or in a script; else undefined. */
function openPacket(body) {
  const script = /^___eio\[\d*\]\((".*")\);$/s.exec(body);
  const text = script ? JSON.parse(script[1]) : body;
  const [, length] = /^(\d+):0\{/.exec(text) ?? [];
  if (length) return text.slice(length.length + 1, length.length + 1 + Number(length));
  return text.startsWith("0{") ? text : undefined;
}

function isPing(frame) {
  return frame?.opcode === frames.TEXT && frame.payload.toString() === "2";
}

/** A session as its open packet announces it; `since` is when its ping clock began, or earlier. */
function sessionOf(open, since) {
  const { sid, pingInterval } = JSON.parse(open.slice(1));
  return { sid, pingInterval, since };
}

function notEarly({ since, pingInterval }) {
  const elapsed = Date.now() - since;
  assert.ok(elapsed >= pingInterval - 5, `ping after ${elapsed} of ${pingInterval} ms`);
}
