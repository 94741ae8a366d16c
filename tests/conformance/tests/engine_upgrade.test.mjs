// Engine.IO: from polling to websocket without losing, doubling or reordering anything.

import assert from "node:assert/strict";
import { test } from "node:test";
import WebSocket from "ws";
import { behaviour } from "../deliberate.mjs";
import { TEXT, encode } from "../lib/frames.mjs";
import { SEPARATOR, compose, request, target, upgradeHeaders } from "../lib/http.mjs";
import { isReference } from "../lib/launch.mjs";
import { PollingLink } from "../lib/links.mjs";
import { Raw } from "../lib/raw.mjs";
import { brisk, withServer } from "../lib/suite.mjs";
import { next, within } from "../lib/wait.mjs";

/** A polling session with a websocket beside it that has said nothing yet. */
async function candidate(server, more = {}) {
  const link = await PollingLink.open(server, "/engine.io/", { byHand: true });
  const { sid } = link.handshake;
  const url = `ws://${server.host}:${server.port}${target("/engine.io/", "websocket", { sid })}`;
  const socket = new WebSocket(url, more);
  socket.on("error", () => {});
  const inbox = [];
  socket.on("message", (data, isBinary) => inbox.push(isBinary ? data : data.toString()));
  await next(socket, "open");
  const session = {
    ...{ socket, sid, inbox, url },
    get: () => request(server, link.target),
    post: (body) => request(server, link.target, { method: "POST", body }),
    hang: async () => (await Raw.open(server)).write(compose(server, link.target)),
    receive: async (count) => {
      while (inbox.length < count) await next(socket, "message", `message ${inbox.length + 1}`);
      return inbox;
    },
    probe: async () => {
      socket.send("2probe");
      await session.receive(1);
      assert.equal(inbox.shift(), "3probe");
    },
    finish: async () => {
      await session.probe();
      socket.send("5");
      socket.send("4done");
      await session.receive(1);
      assert.equal(inbox.shift(), "4done");
    },
  };
  return session;
}

withServer("upgrade", { concurrency: true }, (server) => {
  test("probe, upgrade, and packets both ways", async () => {
    const session = await candidate(server);
    await session.finish();
    session.socket.send("4hello");
    session.socket.send(Buffer.from([1, 2, 3]));
    assert.deepEqual(await session.receive(2), ["4hello", Buffer.from([1, 2, 3])]);
    session.socket.terminate();
  });

  test("a poll that waits is answered with a noop once the probe is in", async () => {
    const session = await candidate(server);
    const poll = await session.hang();
    await session.probe();
    assert.equal((await poll.response()).body.toString(), "6");
    poll.destroy();
    session.socket.terminate();
  });

  test("a poll that begins after the probe is answered with a noop as well", async () => {
    const session = await candidate(server);
    await session.probe();
    assert.equal((await session.get()).text, "6");
    session.socket.terminate();
  });

  test("a probe in the same segment as the websocket's request is answered", async () => {
    const link = await PollingLink.open(server, "/engine.io/", { byHand: true });
    const raw = await Raw.open(server);
    const where = target("/engine.io/", "websocket", { sid: link.handshake.sid });
    const early = [compose(server, where, { headers: upgradeHeaders }), encode(TEXT, "2probe")];
    raw.write(Buffer.concat(early));
    assert.equal((await raw.response()).status, 101);
    assert.equal((await raw.frame()).payload.toString(), "3probe");
    raw.destroy();
  });

  test("until the upgrade packet polling is the session's wire", async () => {
    const session = await candidate(server);
    await session.probe();
    assert.equal((await session.post("4by post")).text, "ok");
    assert.equal((await session.get()).text, "4by post");
    assert.deepEqual(session.inbox, []);
    session.socket.terminate();
  });

  test("what is queued when the upgrade packet comes goes to the websocket, in order", async () => {
    const session = await candidate(server);
    await session.probe();
    const packets = Array.from({ length: 50 }, (_, i) => `4${i}`);
    await session.post(packets.join(SEPARATOR));
    session.socket.send("5");
    session.socket.send("4last");
    assert.deepEqual(await session.receive(51), [...packets, "4last"]);
    session.socket.terminate();
  });

  test("requests with the sid after the upgrade get code 3 and do no harm", async () => {
    const session = await candidate(server);
    await session.finish();
    for (const answer of [await session.get(), await session.post("4late")]) {
      assert.deepEqual([answer.status, JSON.parse(answer.text).code], [400, 3]);
    }
    session.socket.send("4alive");
    assert.deepEqual(await session.receive(1), ["4alive"]);
    session.socket.terminate();
  });

  test("a second websocket with the sid after the upgrade is closed and does no harm", async () => {
    const session = await candidate(server);
    await session.finish();
    await closedAtOnce(session.url);
    session.socket.send("4alive");
    assert.deepEqual(await session.receive(1), ["4alive"]);
    session.socket.terminate();
  });

  test("a second websocket during the upgrade is closed and does no harm", async () => {
    const session = await candidate(server);
    await session.probe();
    await closedAtOnce(session.url);
    session.socket.send("5");
    session.socket.send("4alive");
    assert.deepEqual(await session.receive(1), ["4alive"]);
    session.socket.terminate();
  });

  test("an upgrade packet without a probe is accepted", async () => {
    const session = await candidate(server);
    session.socket.send("5");
    session.socket.send("4alive");
    assert.deepEqual(await session.receive(1), ["4alive"]);
    session.socket.terminate();
  });

  for (const packet of ["4hello", "2", "3", "abc", "2prob", "", "1"]) {
    test(`the first packet ${JSON.stringify(packet)} closes the candidate only`, async () => {
      const session = await candidate(server);
      const closed = next(session.socket, "close");
      session.socket.send(packet);
      await closed;
      assert.deepEqual(session.inbox, []);
      await session.post("4alive");
      assert.equal((await session.get()).text, "4alive");
    });
  }

  test("a candidate that goes away leaves the session on polling, free to try again", async () => {
    const session = await candidate(server);
    await session.probe();
    session.socket.terminate();
    await session.post("4alive");
    assert.equal((await nextData(session)).text, "4alive");
    const again = new WebSocket(session.url);
    await next(again, "open");
    again.send("2probe");
    assert.equal(String((await next(again, "message"))[0]), "3probe");
    again.terminate();
  });

  test("a session that ends during the upgrade takes its candidate along", async () => {
    const session = await candidate(server);
    await session.probe();
    const closed = next(session.socket, "close");
    assert.equal((await session.post("1")).text, "ok");
    await closed;
  });

  test("a poll in flight when the upgrade packet comes is answered", async () => {
    const session = await candidate(server);
    await session.probe();
    const poll = await session.hang();
    await poll.quiet(10); // it should be at the server before the packet
    session.socket.send("5");
    const answer = await poll.response(); // no client polls here: noop, close or code 3 will do
    assert.match(`${answer.status} ${answer.body}`, /^(200 [61]|400 \{"code":3,.*)$/);
    poll.destroy();
    session.socket.send("4alive");
    assert.deepEqual(await session.receive(1), ["4alive"]);
    session.socket.terminate();
  });
});

withServer("upgrade and heartbeat", { flags: brisk }, (server) => {
  test("the heartbeat goes on over the websocket", async () => {
    const session = await candidate(server);
    await session.finish();
    for (let i = 0; i < 3; i++) {
      assert.deepEqual(await session.receive(1), ["2"]);
      session.inbox.shift();
      session.socket.send("3");
    }
    const closed = next(session.socket, "close");
    await session.receive(1); // the fourth ping is not answered
    await closed;
  });

  const skip = isReference() && behaviour.upgradeKeepsDeadline;
  test("a ping that waits for its pong waits on across the upgrade", { skip }, async () => {
    const session = await candidate(server);
    let packets = [];
    while (!packets.includes("2")) packets = (await session.get()).text.split(SEPARATOR);
    const closed = next(session.socket, "close");
    await session.finish();
    await closed;
  });
});

/** A websocket that must not take a session over: refused, or closed at once. */
async function closedAtOnce(url) {
  const socket = new WebSocket(url);
  socket.on("error", () => {});
  await within(new Promise((resolve) => socket.once("close", resolve)), "close of the second one");
}

/** The next answer that is more than a noop. */
async function nextData(session) {
  const answer = await session.get();
  return answer.text === "6" ? nextData(session) : answer;
}
