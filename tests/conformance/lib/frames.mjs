// WebSocket frames by hand (RFC 6455), so that every bit on the wire is ours.

import { createHash, randomBytes } from "node:crypto";

export const CONTINUATION = 0;
export const TEXT = 1;
export const BINARY = 2;
export const CLOSE = 8;
export const PING = 9;
export const PONG = 10;

/** The Sec-WebSocket-Accept that belongs to a key. */
export function acceptFor(key) {
  return createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
}

/** One frame as a client sends it. `lengthForm` 7, 16 or 64 overrides the shortest length. */
export function encode(opcode, payload = Buffer.alloc(0), options = {}) {
  const { fin = true, rsv = 0, masked = true, lengthForm } = options;
  const data = Buffer.from(payload);
  const form = lengthForm ?? (data.length < 126 ? 7 : data.length < 65536 ? 16 : 64);
  const head = Buffer.alloc(2 + (form === 7 ? 0 : form / 8));
  head[0] = (fin ? 0x80 : 0) | (rsv << 4) | opcode;
  head[1] = (masked ? 0x80 : 0) | (form === 7 ? data.length : form === 16 ? 126 : 127);
  if (form === 16) head.writeUInt16BE(data.length, 2);
  if (form === 64) head.writeBigUInt64BE(BigInt(data.length), 2);
  if (!masked) return Buffer.concat([head, data]);
  const mask = options.mask ?? randomBytes(4);
  for (let i = 0; i < data.length; i++) data[i] ^= mask[i & 3];
  return Buffer.concat([head, mask, data]);
}

export function encodeClose(code, reason = "") {
  if (code === null || code === undefined) return encode(CLOSE);
  const body = Buffer.alloc(2 + Buffer.byteLength(reason));
  body.writeUInt16BE(code);
  body.write(reason, 2);
  return encode(CLOSE, body);
}

/** The first frame in `bytes` as {fin, rsv, opcode, payload, size}, or nothing yet. */
export function decode(bytes) {
  if (bytes.length < 2) return undefined;
  let length = bytes[1] & 0x7f;
  let at = 2;
  if (length === 126) {
    if (bytes.length < 4) return undefined;
    length = bytes.readUInt16BE(2);
    at = 4;
  } else if (length === 127) {
    if (bytes.length < 10) return undefined;
    length = Number(bytes.readBigUInt64BE(2));
    at = 10;
  }
  if (bytes[1] & 0x80) throw new Error("a server must not mask its frames");
  if (bytes.length < at + length) return undefined;
  return {
    fin: (bytes[0] & 0x80) !== 0,
    rsv: (bytes[0] >> 4) & 7,
    opcode: bytes[0] & 15,
    payload: bytes.subarray(at, at + length),
    size: at + length,
  };
}

/** Close code and reason of a close frame's payload; code null when there is none. */
export function closeOf(payload) {
  if (payload.length < 2) return { code: null, reason: "" };
  return { code: payload.readUInt16BE(0), reason: payload.subarray(2).toString() };
}
