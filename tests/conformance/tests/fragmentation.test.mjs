// 10,000 messages, each cut into random fragments with control frames between them, cut again
// into random TCP segments, must come back exactly and in order.

import assert from "node:assert/strict";
import { test } from "node:test";
import * as frames from "../lib/frames.mjs";
import { compose, target, upgradeHeaders } from "../lib/http.mjs";
import { generator, seed } from "../lib/random.mjs";
import { Raw } from "../lib/raw.mjs";
import { withServer } from "../lib/suite.mjs";

const { TEXT, BINARY, CONTINUATION, PING, PONG, CLOSE, encode } = frames;

const MESSAGES = 10_000;
const IN_FLIGHT = 200;
const alphabet = [..."aZ0 \"\n\x1eéß€日\u2028😀𝄞"];

/** Mostly short, now and then around the borders of the length forms. */
function lengthOf(draw) {
  const kind = draw(100);
  if (kind < 70) return draw(40);
  if (kind < 90) return 100 + draw(60);
  if (kind < 99) return draw(2000);
  return 65_530 + draw(12);
}

function messageOf(draw) {
  const length = lengthOf(draw);
  if (draw(3) === 0) {
    const data = Buffer.alloc(length);
    for (let i = 0; i < length; i++) data[i] = draw(256);
    return { opcode: BINARY, data };
  }
  let text = "4";
  while (text.length <= length) text += alphabet[draw(alphabet.length)];
  return { opcode: TEXT, data: Buffer.from(text) };
}

/** The frames of one message; a ping between two of them is noted in `pings`. */
function fragment(draw, { opcode, data }, pings) {
  const out = [];
  const cuts = Array.from({ length: draw(8) }, () => draw(data.length + 1)).sort((a, b) => a - b);
  const ends = [...cuts, data.length];
  let from = 0;
  ends.forEach((end, i) => {
    const fin = i === ends.length - 1;
    out.push(encode(i === 0 ? opcode : CONTINUATION, data.subarray(from, end), { fin }));
    from = end;
    if (fin || draw(6) !== 0) return;
    const payload = Buffer.alloc(draw(126), draw(256));
    const control = draw(4) === 0 ? PONG : PING;
    if (control === PING) pings.push(payload);
    out.push(encode(control, payload));
  });
  return out;
}

/** Writes `bytes` in random segments; some wait for the next turn of the loop. */
async function trickle(draw, raw, bytes) {
  let at = 0;
  while (at < bytes.length) {
    const size = draw(4) === 0 ? 1 + draw(8) : 1 + draw(20_000);
    await raw.flush(bytes.subarray(at, at + size));
    if (draw(8) === 0) await new Promise((resolve) => setImmediate(resolve));
    at += size;
  }
}

/** Puts what the server sends together again: {opcode, data} of a message or a pong. */
async function receive(raw, partial) {
  for (;;) {
    const { opcode, fin, rsv, payload } = await raw.frame();
    assert.equal(rsv, 0);
    if (opcode === PONG) return { opcode, data: payload };
    assert.notEqual(opcode, CLOSE, `closed with ${frames.closeOf(payload).code}`);
    if (opcode !== CONTINUATION) partial.opcode = opcode;
    partial.parts.push(Buffer.from(payload));
    if (!fin) continue;
    return { opcode: partial.opcode, data: Buffer.concat(partial.parts.splice(0)) };
  }
}

withServer("fragmentation", {}, (server) => {
  test(`${MESSAGES} random fragmentations, seed ${seed}`, { timeout: 60_000 }, async (t) => {
    t.diagnostic(`seed ${seed} (repeat with MAD_CONFORMANCE_SEED=${seed})`);
    const draw = generator();
    const raw = await Raw.open(server);
    const where = target("/engine.io/", "websocket");
    raw.write(compose(server, where, { headers: upgradeHeaders }));
    assert.equal((await raw.response()).status, 101);
    await raw.frame(); // the open packet

    const waiting = [];
    const pings = [];
    const partial = { opcode: 0, parts: [] };
    let sent = 0;
    let received = 0;
    let fragments = 0;
    while (received < MESSAGES) {
      const batch = [];
      while (sent < MESSAGES && waiting.length < IN_FLIGHT) {
        const message = messageOf(draw);
        const parts = fragment(draw, message, pings);
        fragments += parts.length;
        batch.push(...parts);
        waiting.push(message);
        sent += 1;
      }
      const writing = trickle(draw, raw, Buffer.concat(batch));
      for (const enough = sent === MESSAGES ? 0 : IN_FLIGHT / 2; waiting.length > enough; ) {
        const got = await receive(raw, partial);
        if (got.opcode === PONG) {
          assert.ok(got.data.equals(pings.shift()), `pong before message ${received}`);
          continue;
        }
        const wanted = waiting.shift();
        const same = got.opcode === wanted.opcode && got.data.equals(wanted.data);
        assert.ok(same, `message ${received} differs (seed ${seed})`);
        received += 1;
      }
      await writing;
    }
    while (pings.length) {
      assert.ok((await receive(raw, partial)).data.equals(pings.shift()), "the last pongs");
    }
    t.diagnostic(`${fragments} frames`);
    raw.destroy();
  });
});
