// RFC 6455 on the engine path: handshakes, every frame that must not be, and how sessions close.

import assert from "node:assert/strict";
import { test } from "node:test";
import * as frames from "../lib/frames.mjs";
import { compose, target, upgradeHeaders } from "../lib/http.mjs";
import { Raw } from "../lib/raw.mjs";
import { withServer } from "../lib/suite.mjs";

const { TEXT, BINARY, CONTINUATION, CLOSE, PING, PONG, encode, encodeClose } = frames;

const where = target("/engine.io/", "websocket");

async function open(server, tail = Buffer.alloc(0)) {
  const raw = await Raw.open(server);
  const head = compose(server, where, { headers: upgradeHeaders });
  raw.write(Buffer.concat([head, tail]));
  const answer = await raw.response();
  assert.equal(answer.status, 101);
  assert.equal(
    answer.headers["sec-websocket-accept"],
    frames.acceptFor(upgradeHeaders["Sec-WebSocket-Key"]),
  );
  assert.ok(!("sec-websocket-extensions" in answer.headers), "no extension was offered");
  assert.match((await raw.frame()).payload.toString(), /^0\{/);
  return raw;
}

const euro = Buffer.from("4€");

/** [name, bytes to send, close codes]. After the close frame the server ends the connection. */
const refused = [
  ["a reserved bit", [encode(TEXT, "4x", { rsv: 4 })], [1002]],
  ["another reserved bit", [encode(TEXT, "4x", { rsv: 1 })], [1002]],
  ["an unmasked frame", [encode(TEXT, "4x", { masked: false })], [1002]],
  ["opcode 3", [encode(3, "4x")], [1002]],
  ["opcode 11", [encode(11, "")], [1002]],
  ["a continuation of nothing", [encode(CONTINUATION, "4x")], [1002]],
  [
    "a new message inside a fragmented one",
    [encode(TEXT, "4x", { fin: false }), encode(TEXT, "4y")],
    [1002],
  ],
  ["a fragmented ping", [encode(PING, "", { fin: false })], [1002]],
  ["a ping of 126 bytes", [encode(PING, Buffer.alloc(126))], [1002]],
  ["a close of 126 bytes", [encode(CLOSE, Buffer.alloc(126))], [1002]],
  ["a close of one byte", [encode(CLOSE, Buffer.from([3]))], [1002]],
  ...[0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 65535].map((code) => [
    `close code ${code}`,
    [encodeClose(code)],
    [1002],
  ]),
  [
    "a close reason that is not UTF-8",
    [encode(CLOSE, Buffer.from([0x03, 0xe8, 0xff]))],
    [1007],
  ],
  ["text that is not UTF-8", [encode(TEXT, Buffer.from([0x34, 0xc3, 0x28]))], [1007]],
  ["an overlong character", [encode(TEXT, Buffer.from([0x34, 0xc0, 0xaf]))], [1007]],
  ["a surrogate", [encode(TEXT, Buffer.from([0x34, 0xed, 0xa0, 0x80]))], [1007]],
  ["text cut inside a character", [encode(TEXT, euro.subarray(0, 3))], [1007]],
  [
    "text cut inside a character in its last fragment",
    [encode(TEXT, euro.subarray(0, 2), { fin: false }), encode(CONTINUATION, euro.subarray(2, 3))],
    [1007],
  ],
  ["a message over maxPayload", [encode(TEXT, `4${"x".repeat(1_000_000)}`)], [1009]],
  [
    "a message over maxPayload by its header alone",
    [encode(BINARY, Buffer.alloc(1_000_001)).subarray(0, 14)],
    [1009],
  ],
  [
    "fragments that are over maxPayload together",
    [encode(BINARY, Buffer.alloc(999_999), { fin: false }), encode(CONTINUATION, "xy")],
    [1009],
  ],
  [
    "a length over 2^63",
    [Buffer.from([0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4])],
    [1002, 1009],
  ],
];

/** [header, value, statuses] that make a handshake wrong; undefined leaves the header out. */
const wrongHandshakes = [
  ["Sec-WebSocket-Key", undefined, [400]],
  ["Sec-WebSocket-Key", "short", [400]],
  ["Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ", [400]],
  ["Sec-WebSocket-Version", undefined, [400, 426]],
  ["Sec-WebSocket-Version", "12", [400, 426]],
  ["Upgrade", "websockets", [400]],
];

/** The length forms of the frame header, at their borders. */
const lengths = [0, 1, 124, 125, 126, 127, 65534, 65535, 65536, 65537, 300_000, 999_999];

withServer("websocket frames", { concurrency: 4 }, (server) => {
  for (const [name, bytes, codes] of refused) {
    test(`${name} closes with ${codes.join(" or ")}`, async () => {
      const raw = await open(server);
      for (const part of bytes) raw.write(part);
      const frame = await raw.frame();
      assert.equal(frame.opcode, CLOSE);
      assert.ok(codes.includes(frames.closeOf(frame.payload).code), `code of ${name}`);
      raw.write(encodeClose(frames.closeOf(frame.payload).code));
      await raw.end();
      raw.destroy();
    });
  }

  for (const code of [1000, 1001, 1003, 1007, 1011, 3000, 4999]) {
    test(`a close with ${code} is answered with ${code}`, async () => {
      const raw = await open(server);
      raw.write(encodeClose(code, "bye €"));
      const frame = await raw.frame();
      assert.deepEqual([frame.opcode, frames.closeOf(frame.payload).code], [CLOSE, code]);
      await raw.end();
      raw.destroy();
    });
  }

  test("a close without code is answered without code", async () => {
    const raw = await open(server);
    raw.write(encodeClose(null));
    const frame = await raw.frame();
    assert.deepEqual([frame.opcode, frame.payload.length], [CLOSE, 0]);
    await raw.end();
    raw.destroy();
  });

  test("nothing after a close frame is served", async () => {
    const raw = await open(server);
    raw.write(Buffer.concat([encodeClose(1000), encode(TEXT, "4late")]));
    assert.equal((await raw.frame()).opcode, CLOSE);
    await raw.end();
    assert.equal(raw.unread.length, 0);
    raw.destroy();
  });

  for (const length of lengths) {
    test(`a message of ${length} bytes comes back in the shortest form`, async () => {
      const raw = await open(server);
      const data = Buffer.alloc(length, "a");
      raw.write(encode(BINARY, data));
      const frame = await raw.frame();
      assert.deepEqual([frame.opcode, frame.fin, frame.rsv], [BINARY, true, 0]);
      assert.ok(frame.payload.equals(data));
      const header = length < 126 ? 2 : length < 65536 ? 4 : 10;
      assert.equal(frame.size, header + length);
      raw.destroy();
    });
  }

  for (const mask of [[0, 0, 0, 0], [255, 255, 255, 255], [1, 2, 3, 4]]) {
    test(`the mask ${mask} is undone`, async () => {
      const raw = await open(server);
      raw.write(encode(TEXT, "4masked €", { mask: Buffer.from(mask) }));
      assert.equal((await raw.frame()).payload.toString(), "4masked €");
      raw.destroy();
    });
  }

  test("pings are answered with their payload, in order, also inside a message", async () => {
    const raw = await open(server);
    raw.write(encode(TEXT, "4a", { fin: false }));
    raw.write(encode(PING, "one"));
    raw.write(encode(CONTINUATION, "b", { fin: false }));
    raw.write(encode(PING));
    raw.write(encode(PONG, "never asked for"));
    raw.write(encode(CONTINUATION, "c"));
    raw.write(encode(PING, Buffer.alloc(125, "z")));
    const got = [];
    while (got.length < 4) {
      const { opcode, payload } = await raw.frame();
      got.push(`${opcode} ${payload}`);
    }
    const last = `${PONG} ${"z".repeat(125)}`;
    assert.deepEqual(got, [`${PONG} one`, `${PONG} `, `${TEXT} 4abc`, last]);
    raw.destroy();
  });

  test("a frame that comes byte by byte is a frame", async () => {
    const raw = await open(server);
    for (const byte of encode(TEXT, "4slow €")) await raw.flush(Buffer.from([byte]));
    assert.equal((await raw.frame()).payload.toString(), "4slow €");
    raw.destroy();
  });

  test("a message of 4000 fragments of one byte is a message", async () => {
    const raw = await open(server);
    const parts = [encode(TEXT, "4", { fin: false })];
    for (let i = 0; i < 3998; i++) parts.push(encode(CONTINUATION, "x", { fin: false }));
    parts.push(encode(CONTINUATION, "y"));
    raw.write(Buffer.concat(parts));
    assert.equal((await raw.frame()).payload.toString(), `4${"x".repeat(3998)}y`);
    raw.destroy();
  });

  for (const [name, value, statuses] of wrongHandshakes) {
    test(`a handshake with ${name}: ${value ?? "(none)"} is refused`, async () => {
      const headers = { ...upgradeHeaders, [name]: value };
      if (value === undefined) delete headers[name];
      const raw = await Raw.open(server);
      raw.write(compose(server, where, { headers }));
      const { status } = await raw.response();
      assert.ok(statuses.includes(status), `status ${status}`);
      raw.destroy();
    });
  }

  test("header names and values of the handshake are taken in any case", async () => {
    const raw = await Raw.open(server);
    raw.write(
      `GET ${where} HTTP/1.1\r\nhost: ${server.host}\r\nCONNECTION: keep-alive, upgrade\r\n` +
        "uPGRADE: WebSocket\r\nsec-websocket-version: 13\r\n" +
        `sec-websocket-key: ${upgradeHeaders["Sec-WebSocket-Key"]}\r\n\r\n`,
    );
    assert.equal((await raw.response()).status, 101);
    raw.destroy();
  });

  test("compression that is offered is not taken", async () => {
    const raw = await Raw.open(server);
    const offer = { "Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits" };
    raw.write(compose(server, where, { headers: { ...upgradeHeaders, ...offer } }));
    const answer = await raw.response();
    assert.equal(answer.status, 101);
    assert.ok(!("sec-websocket-extensions" in answer.headers));
    raw.destroy();
  });

  test("frames in the same segment as the handshake are served", async () => {
    const early = [encode(TEXT, "4early"), encode(BINARY, Buffer.from([1, 2]))];
    const raw = await open(server, Buffer.concat(early));
    assert.equal((await raw.frame()).payload.toString(), "4early");
    assert.deepEqual((await raw.frame()).payload, Buffer.from([1, 2]));
    raw.destroy();
  });

  for (const [name, act] of [["ended", "half"], ["reset", "reset"], ["dropped", "destroy"]]) {
    test(`a TCP connection that is ${name} costs nobody else`, async () => {
      const [gone, other] = [await open(server), await open(server)];
      gone.write(encode(TEXT, "4half a fra").subarray(0, 9));
      gone[act]();
      other.write(encode(TEXT, "4alive"));
      assert.equal((await other.frame()).payload.toString(), "4alive");
      if (act === "half") await gone.end();
      gone.destroy();
      other.destroy();
    });
  }
});
