// Engine.IO: pings come on time, and who does not answer them is left.
//
// Lower bounds are measured from before the request that starts a clock, so that a slow machine
// cannot make them fail; upper bounds are deadlines.

import assert from "node:assert/strict";
import { test } from "node:test";
import { behaviour } from "../deliberate.mjs";
import { encode, TEXT } from "../lib/frames.mjs";
import { compose, request, target, upgradeHeaders } from "../lib/http.mjs";
import { isReference } from "../lib/launch.mjs";
import { PollingLink, links } from "../lib/links.mjs";
import { Raw } from "../lib/raw.mjs";
import { INTERVAL, TIMEOUT, brisk, withServer } from "../lib/suite.mjs";
import { pause } from "../lib/wait.mjs";

const ROUNDING = 5;

function notBefore(start, ms) {
  const elapsed = Date.now() - start;
  assert.ok(elapsed >= ms - ROUNDING, `came after ${elapsed} ms, not before ${ms}`);
}

for (const Link of links) {
  withServer(`heartbeat over ${Link.kind}`, { flags: brisk, concurrency: true }, (server) => {
    test("the handshake announces the settings", async () => {
      const link = await Link.open(server, "/engine.io/");
      assert.equal(link.handshake.pingInterval, INTERVAL);
      assert.equal(link.handshake.pingTimeout, TIMEOUT);
      assert.equal(link.handshake.maxPayload, 1_000_000);
      link.leave();
    });

    test("pings come every interval as long as they are answered", async () => {
      let start = Date.now();
      const link = await Link.open(server, "/engine.io/", { pong: false });
      for (let i = 0; i < 4; i++) {
        assert.equal(await link.next(), "2");
        notBefore(start, INTERVAL);
        start = Date.now();
        await link.send("3");
      }
      link.leave();
    });

    test("a client that does not answer is left after interval and timeout", async () => {
      const start = Date.now();
      const link = await Link.open(server, "/engine.io/", { pong: false });
      assert.equal(await link.next(), "2");
      await link.closed();
      notBefore(start, INTERVAL + TIMEOUT);
      link.leave();
    });

    test("messages instead of pongs help once, not for ever", async () => {
      const link = await Link.open(server, "/engine.io/", { pong: false });
      assert.equal(await link.next(), "2");
      let sent = 0;
      const talk = setInterval(() => link.send(`4${sent++}`).catch(() => {}), 20);
      await link.closed().finally(() => clearInterval(talk));
      assert.ok(sent > 0);
      link.leave();
    });

    test("pongs that nobody asked for do not keep a session", async () => {
      const link = await Link.open(server, "/engine.io/", { pong: false });
      await link.send("3", "3", "3");
      assert.equal(await link.next(), "2");
      await link.closed();
      link.leave();
    });
  });
}

withServer("heartbeat and the wire", { flags: brisk, concurrency: true }, (server) => {
  test("a polling session that never polls is forgotten", async () => {
    const link = await PollingLink.open(server, "/engine.io/", { byHand: true });
    await pause(INTERVAL + TIMEOUT + 300); // nothing may be asked meanwhile: a bounded wait
    const answer = await request(server, link.target);
    assert.deepEqual([answer.status, JSON.parse(answer.text).code], [400, 1]);
  });

  test("a websocket on which a ping times out gets a bare close frame", async () => {
    const { raw, frame } = await timedOut(server);
    assert.deepEqual([frame.opcode, frame.payload.length], [8, 0]);
    raw.destroy();
  });

  const skip = isReference() && behaviour.pingTimeoutEndsTcp;
  test("and the TCP connection ends without waiting for an answer", { skip }, async () => {
    const { raw } = await timedOut(server);
    await raw.end(1000);
    raw.destroy();
  });

  test("heartbeats of forty sessions do not disturb each other", async () => {
    const all = Array.from({ length: 40 }, async (_, i) => {
      const link = await links[i % 2].open(server, "/engine.io/");
      await link.send(`4${i}`);
      assert.equal(await link.next(), `4${i}`);
      await link.quiet(INTERVAL + TIMEOUT + 200); // longer than a session without pongs lives
      link.leave();
    });
    await Promise.all(all);
  });
});

/** A websocket that has got its ping and its close frame. */
async function timedOut(server) {
  const raw = await Raw.open(server);
  raw.write(compose(server, target("/engine.io/", "websocket"), { headers: upgradeHeaders }));
  assert.equal((await raw.response()).status, 101);
  await raw.frame();
  raw.write(encode(TEXT, "4keeps nothing alive"));
  await raw.frame();
  assert.equal((await raw.frame()).payload.toString(), "2");
  return { raw, frame: await raw.frame() };
}
