// What "the same answer" means: ids are ids, times are times, everything else is literal.

import assert from "node:assert/strict";
import { bytesOf, header } from "./capture.mjs";
import { acceptFor } from "../lib/frames.mjs";

const idField = /\\?"sid\\?":\\?"([^"\\]*)\\?"/g; // in a script its quotes are escaped
const properId = /^[A-Za-z0-9_-]{20}$/;

/** Text with every id replaced by a star. */
export function withoutIds(text) {
  return text.replace(idField, '"sid":"*"');
}

export function checkIds(text) {
  for (const [, id] of text.matchAll(idField)) {
    assert.match(id, properId, "an id is 20 characters of base64url");
  }
}

/** Headers whose value is part of the answer; framing and extra ones are the server's own. */
const compared = ["content-type", "cache-control", "connection", "upgrade", "content-encoding", "etag"];

/** What a server says of origins, cookies and files: demanded, or its absence, where asked for. */
const policy = [
  "access-control-allow-origin",
  "access-control-allow-credentials",
  "access-control-allow-methods",
  "access-control-allow-headers",
  "vary",
  "set-cookie",
];

function samePolicy(answer, record) {
  const plain = (value) => value?.replace(/=[\w-]{20};/, "=*;");
  for (const name of policy) {
    assert.equal(plain(answer.headers[name]), plain(header(record, name)), `header ${name}`);
  }
}

/** Fails unless the head of the live `answer` is the recorded one. */
export function sameHead(answer, record, key) {
  assert.equal(answer.line, record.line, "status line");
  for (const name of compared) {
    const wanted = header(record, name);
    if (wanted === undefined) continue;
    assert.equal(answer.headers[name]?.toLowerCase(), wanted.toLowerCase(), `header ${name}`);
  }
  if (answer.status === 101) {
    const [extension] = (answer.headers["sec-websocket-extensions"] ?? "").split(";");
    const agreed = header(record, "sec-websocket-extensions") ?? "";
    assert.equal(extension, agreed, "extension, whatever its parameters");
    assert.equal(answer.headers["sec-websocket-accept"], acceptFor(key), "accept of our key");
  }
}

/**
 * Fails unless the live `answer` is the recorded one; `key` is the Sec-WebSocket-Key sent. `extra`
 * may ask for `policy` headers too, and for no more of a cut body than was kept (`cutBodies`).
 */
export function sameResponse(answer, record, key, extra = {}) {
  sameHead(answer, record, key);
  if (extra.policy) samePolicy(answer, record);
  if (extra.cutBodies && record.truncated) {
    assert.equal(answer.body.length, record.len, "length of the body");
    const kept = Buffer.from(record.text);
    assert.equal(answer.body.subarray(0, kept.length).toString(), record.text, "begin of the body");
    return;
  }
  if (!record.anyBody) sameText(answer.body.toString(), bytesOf(record).toString(), "body");
}

/**
 * Names that a server makes up and a peer gives back: pids, and the offsets behind the arguments
 * of events. `known` has the live one of each recorded one.
 */
export class Tickets {
  #known = new Map();

  /** Learns those of a frame; fails when a recorded one now stands for another. */
  learn(got, wanted) {
    const recorded = ticketsIn(wanted);
    const live = ticketsIn(got);
    assert.equal(live.length, recorded.length, `tickets in ${got}`);
    recorded.forEach((name, i) => {
      const before = this.#known.get(name) ?? live[i];
      assert.equal(live[i], before, `what stands for ${name}`);
      this.#known.set(name, live[i]);
    });
  }

  /** A recorded text with the live names, to be sent. */
  fill(text) {
    return ticketsIn(text).reduce(
      (out, name) => out.replaceAll(name, this.#known.get(name) ?? name),
      text,
    );
  }

  /** A text with a star for each. */
  static without(text) {
    return ticketsIn(text).reduce((out, name) => out.replaceAll(`"${name}"`, '"*"'), text);
  }
}

const ticket = /"(?:sid|pid|offset)":"([^"]*)"|,"([\w-]{7}(?:\.[\w-]+)?)"\]$/g;

function ticketsIn(text) {
  return [...text.matchAll(ticket)].map((match) => match[1] ?? match[2]);
}

export function sameText(got, wanted, what) {
  if (withoutIds(got) !== withoutIds(wanted)) {
    assert.equal(cut(withoutIds(got)), cut(withoutIds(wanted)), what);
    assert.fail(`${what} differs after its first characters`);
  }
  checkIds(got);
}

function cut(text) {
  return text.length <= 400 ? text : `${text.slice(0, 400)}… (${text.length} characters)`;
}

export function frameName({ opcode }) {
  return { 1: "ws-text", 2: "ws-binary", 8: "ws-close", 9: "ws-ping", 10: "ws-pong" }[opcode];
}
