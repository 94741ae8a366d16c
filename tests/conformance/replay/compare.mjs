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
const compared = ["content-type", "cache-control", "connection", "upgrade", "content-encoding"];

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

/** Fails unless the live `answer` is the recorded one; `key` is the Sec-WebSocket-Key sent. */
export function sameResponse(answer, record, key) {
  sameHead(answer, record, key);
  if (!record.anyBody) sameText(answer.body.toString(), bytesOf(record).toString(), "body");
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
