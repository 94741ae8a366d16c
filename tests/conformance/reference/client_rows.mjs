// The rows of CLIENT.md, written against socket.io-client.

import assert from "node:assert/strict";
import { pause, until } from "../lib/wait.mjs";

const again = { reconnection: true, reconnectionDelay: 10, reconnectionDelayMax: 50 };
const count = (n) => [...Array(n).keys()];
const bytes = (...list) => Buffer.from(list);

const refusal = (peer) => peer.refused();

async function reasonOf(peer, wanted) {
  assert.equal((await peer.next("disconnect"))[0], wanted);
}

async function alive(peer) {
  assert.equal(await peer.ask("echo", "alive"), "alive");
}

/** No attempt to connect is made within 300 ms: a bounded look at silence. */
async function staysAway(peer) {
  let attempts = 0;
  peer.socket.io.on("reconnect_attempt", () => (attempts += 1));
  await pause(300);
  assert.equal(attempts, 0);
  assert.deepEqual(peer.rest("connect"), []);
}

async function echoes(peers, ...values) {
  const peer = await peers.join();
  for (const value of values) assert.deepEqual(await peer.ask("echo", value), value);
}

export const rows = [
  ["connect-auth", async (peers) => {
    const auth = { token: "abc", nested: { list: [1, null, "€😀"] } };
    assert.deepEqual(await (await peers.join("/", { auth })).next("auth"), [auth]);
  }],
  ["connect-auth-function", async (peers) => {
    let n = 0;
    const peer = await peers.join("/", { ...again, auth: (give) => give({ n: (n += 1) }) });
    assert.deepEqual(await peer.next("auth"), [{ n: 1 }]);
    peer.emit("drop-conn");
    assert.deepEqual(await peer.next("auth"), [{ n: 2 }]);
  }],
  ["connect-no-auth", async (peers) => {
    assert.deepEqual(await (await peers.join()).next("auth"), [{}]);
  }],
  ["connect-query", async (peers) => {
    const query = { a: "a b&c=d", b: "€", c: "1+1", d: "" };
    const got = await (await peers.join("/", { query })).ask("handshake-query");
    for (const key of Object.keys(query)) assert.equal(got[key], query[key]);
  }],
  ["connect-headers", async (peers) => {
    const peer = await peers.join("/", { extraHeaders: { "x-mad": "yes" } });
    assert.equal((await peer.ask("headers"))["x-mad"], "yes");
  }],
  ["ids", async (peers) => {
    const peer = await peers.join();
    const other = await peers.beside(peer, "/custom");
    const ids = [peer.socket.id, other.socket.id, await peer.ask("conn-id")];
    for (const id of ids) assert.match(id, /^[\w-]{20}$/);
    assert.equal(new Set(ids).size, 3);
    assert.equal(await peer.ask("whoami"), ids[0]);
    assert.equal(await other.ask("whoami"), ids[1]);
  }],
  ["transport-name", async (peers) => {
    const wanted = peers.column === "polling" ? "polling" : "websocket";
    assert.equal(await (await peers.join()).ask("transport"), wanted);
  }],
  ["wrong-path", async (peers) => {
    await refusal(peers.start("/", { path: "/nothing/" }));
  }],
  ["nobody-there", async (peers) => {
    peers.server = { url: `http://127.0.0.1:${await peers.server.freePort()}` };
    await refusal(peers.start());
  }],
  ["connect-timeout", async (peers) => {
    const start = Date.now();
    await refusal(peers.start("/", { path: "/mute/", timeout: 200 }));
    assert.ok(Date.now() - start < 2000);
  }],
  ["buffered-before-connect", async (peers) => {
    const peer = peers.start();
    for (const i of count(20)) peer.emit("message", i);
    assert.deepEqual(await peer.collect("message-back", 20), count(20));
  }],
  ["slow-namespace", async (peers) => {
    const peer = peers.start("/slow");
    for (const i of count(20)) peer.emit("message", i);
    assert.deepEqual(await peer.collect("message-back", 20), count(20));
  }],
  ["echo-numbers", (peers) => echoes(peers, 0, -1, 1.5, Number.MAX_SAFE_INTEGER, 1e21, 5e-324)],
  ["echo-text", (peers) => {
    const control = String.fromCharCode(...count(32), 127);
    return echoes(peers, '"\\"\\\\', control, "é€😀\u2028\ufeff");
  }],
  ["echo-structures", (peers) => {
    let deep = "bottom";
    for (let i = 0; i < 25; i++) deep = { d: [deep] };
    const wide = Object.fromEntries(count(1000).map((i) => [`k${999 - i}`, i]));
    return echoes(peers, null, true, [], {}, deep, wide);
  }],
  ["echo-binary", (peers) => {
    const ten = count(10).map((i) => bytes(i));
    return echoes(peers, bytes(), bytes(...count(256)), { a: [{ b: bytes(1, 2) }] }, ten);
  }],
  ["echo-placeholder", (peers) => echoes(peers, { _placeholder: true, num: 0 })],
  ["event-args", async (peers) => {
    const peer = await peers.join();
    const args = [1, "two", { three: [3] }, null, bytes(4), true];
    peer.emit("message", ...args);
    assert.deepEqual(await peer.next("message-back"), args);
  }],
  ["event-no-args", async (peers) => {
    const peer = await peers.join();
    peer.emit("message");
    assert.deepEqual(await peer.next("message-back"), []);
  }],
  ["ack-args", async (peers) => {
    const peer = await peers.join();
    const args = [1, "two", { three: 3 }, bytes(4)];
    const got = await new Promise((ack) =>
      peer.emit("message-with-ack", ...args, (...back) => ack(back)),
    );
    assert.deepEqual(got, args);
  }],
  ["ack-no-args", async (peers) => {
    const peer = await peers.join();
    const got = new Promise((ack) => peer.emit("message-with-ack", (...back) => ack(back)));
    assert.deepEqual(await got, []);
  }],
  ["concurrent-acks", async (peers) => {
    const peer = await peers.join();
    const all = await Promise.all(count(200).map((i) => peer.ask("echo", i)));
    assert.deepEqual(all, count(200));
  }],
  ["ack-timeout", async (peers) => {
    const peer = await peers.join();
    await assert.rejects(peer.socket.timeout(50).emitWithAck("never-ack"), /timed out/);
    await alive(peer);
  }],
  ["late-ack-ignored", async (peers) => {
    const peer = await peers.join();
    const calls = [];
    peer.socket.timeout(20).emit("late-ack", 100, "late", (...got) => calls.push(got));
    await peer.ask("late-ack", 200, "later");
    assert.equal(calls.length, 1);
    assert.ok(calls[0][0] instanceof Error);
  }],
  ["server-question", async (peers) => {
    const peer = await peers.join();
    peer.socket.on("question", (v, ack) => ack("re", v));
    peer.emit("ask", { q: 1 });
    assert.deepEqual(await peer.next("answered"), ["re", { q: 1 }]);
  }],
  ["server-question-binary", async (peers) => {
    const peer = await peers.join();
    peer.socket.on("question", (v, ack) => ack(v, { more: bytes(9) }));
    peer.emit("ask", bytes(7, 8));
    assert.deepEqual(await peer.next("answered"), [bytes(7, 8), { more: bytes(9) }]);
  }],
  ["server-question-unheard", async (peers) => {
    const peer = await peers.join();
    peer.emit("emit-back", "nobody-listens", 1);
    await alive(peer);
  }],
  ["burst-from-server", async (peers) => {
    const peer = await peers.join();
    peer.emit("burst", 500);
    assert.deepEqual(await peer.collect("burst-back", 500), count(500));
  }],
  ["burst-from-client", async (peers) => {
    const peer = await peers.join();
    for (const i of count(500)) peer.emit("message", i);
    assert.deepEqual(await peer.collect("message-back", 500), count(500));
  }],
  ["mixed-order", async (peers) => {
    const peer = await peers.join();
    const seen = [];
    peer.socket.on("message-back", (i) => seen.push(i));
    for (const i of count(60)) {
      if (i % 3 === 0) peer.emit("message", i);
      if (i % 3 === 1) peer.emit("message", i, bytes(i));
      if (i % 3 === 2) peer.emit("echo", i, (back) => seen.push(back));
    }
    await peer.ask("echo", "last");
    assert.deepEqual(seen, count(60));
  }],
  ["big-to-client", async (peers) => {
    const peer = await peers.join();
    peer.emit("big", 300_000);
    assert.equal((await peer.next("big-back"))[0].length, 300_000);
  }],
  ["big-to-server", (peers) => echoes(peers, "x".repeat(300_000), Buffer.alloc(300_000, 7))],
  ["payload-split", async (peers) => {
    const peer = await peers.join();
    const texts = count(5).map((i) => String(i).repeat(300_000));
    const back = await Promise.all(texts.map((text) => peer.ask("echo", text)));
    assert.ok(back.every((text, i) => text === texts[i]));
  }],
  ["two-namespaces", async (peers) => {
    const peer = await peers.join();
    const other = await peers.beside(peer, "/custom");
    assert.equal(await peer.ask("conn-id"), await other.ask("conn-id"));
    peer.emit("message", 1);
    other.emit("message", 2);
    assert.deepEqual(await peer.next("message-back"), [1]);
    assert.deepEqual(await other.next("message-back"), [2]);
    assert.deepEqual([peer.rest("message-back"), other.rest("message-back")], [[], []]);
  }],
  ["leave-one-namespace", async (peers) => {
    const peer = await peers.join();
    (await peers.beside(peer, "/custom")).socket.disconnect();
    await alive(peer);
  }],
  ["rejoin-namespace", async (peers) => {
    const peer = await peers.join();
    const other = await peers.beside(peer, "/custom");
    const before = other.socket.id;
    other.socket.disconnect();
    await alive(peer);
    other.socket.connect();
    await other.next("connect");
    assert.notEqual(other.socket.id, before);
    await alive(other);
  }],
  ["refused-with-data", async (peers) => {
    const { message, data } = await refusal(peers.start("/denied"));
    assert.deepEqual([message, data], ["not authorized", { code: "E_DENIED" }]);
  }],
  ["refused-plain", async (peers) => {
    const { message, data } = await refusal(peers.start("/denied-plain"));
    assert.deepEqual([message, data], ["plain refusal", undefined]);
  }],
  ["unknown-namespace", async (peers) => {
    assert.equal((await refusal(peers.start("/unknown"))).message, "Invalid namespace");
  }],
  ["refusal-not-retried", async (peers) => {
    const peer = peers.start("/denied", again);
    await refusal(peer);
    await staysAway(peer);
    assert.deepEqual(peer.rest("refused"), []);
  }],
  ["refused-then-accepted", async (peers) => {
    const peer = peers.start("/guarded");
    assert.equal((await refusal(peer)).message, "wrong token");
    peer.socket.auth = { token: "open sesame" };
    peer.socket.connect();
    await peer.next("connect");
    await alive(peer);
  }],
  ["refusal-spares-others", async (peers) => {
    const peer = await peers.join();
    await refusal(peers.startBeside(peer, "/denied"));
    await alive(peer);
  }],
  ["broadcast-all", async (peers) => {
    const both = [await peers.join(), await peers.join()];
    both[0].emit("bcast", 1, bytes(2));
    for (const peer of both) assert.deepEqual(await peer.next("bcast-out"), [1, bytes(2)]);
  }],
  ["broadcast-others", async (peers) => {
    const [one, two] = [await peers.join(), await peers.join()];
    one.emit("bcast-others", 1);
    assert.deepEqual(await two.next("others-out"), [1]);
    await alive(one);
    assert.deepEqual(one.rest("others-out"), []);
  }],
  ["rooms", async (peers) => {
    const [one, two] = [await peers.join(), await peers.join()];
    for (const peer of [one, two]) await peer.ask("join", "a room");
    one.emit("room-emit", "a room", 1);
    for (const peer of [one, two]) assert.deepEqual(await peer.next("room-out"), [1]);
    await two.ask("leave", "a room");
    one.emit("room-emit", "a room", 2);
    assert.deepEqual(await one.next("room-out"), [2]);
    await alive(two);
    assert.deepEqual(two.rest("room-out"), []);
  }],
  ["kick", async (peers) => {
    const peer = await peers.join("/", again);
    peer.emit("kick");
    await reasonOf(peer, "io server disconnect");
    await staysAway(peer);
  }],
  ["kick-namespace-only", async (peers) => {
    const peer = await peers.join();
    const other = await peers.beside(peer, "/custom");
    other.emit("kick");
    await reasonOf(other, "io server disconnect");
    await alive(peer);
  }],
  ["kick-conn", async (peers) => {
    const peer = await peers.join();
    const other = await peers.beside(peer, "/custom");
    peer.emit("kick-conn");
    for (const who of [peer, other]) await reasonOf(who, "io server disconnect");
  }],
  ["kick-last-words", async (peers) => {
    const peer = await peers.join();
    peer.emit("burst", 50).emit("kick-conn");
    assert.deepEqual(await peer.collect("burst-back", 50), count(50));
    await reasonOf(peer, "io server disconnect");
  }],
  ["connect-after-kick", async (peers) => {
    const peer = await peers.join();
    const before = peer.socket.id;
    peer.emit("kick");
    await peer.next("disconnect");
    peer.socket.connect();
    await peer.next("connect");
    assert.notEqual(peer.socket.id, before);
    await alive(peer);
  }],
  ["drop-conn", async (peers) => {
    const peer = await peers.join();
    peer.emit("drop-conn");
    await reasonOf(peer, "transport close");
  }],
  ["reconnect-after-drop", async (peers) => {
    const peer = await peers.join("/", again);
    const other = await peers.beside(peer, "/custom");
    const ids = [peer.socket.id, other.socket.id];
    peer.emit("drop-conn");
    for (const who of [peer, other]) await who.next("connect");
    assert.equal(new Set([...ids, peer.socket.id, other.socket.id]).size, 4);
    for (const who of [peer, other]) await alive(who);
  }],
  ["reconnect-after-cut", async (peers) => {
    const peer = await peers.join("/", again);
    peer.emit("cut");
    assert.match((await peer.next("disconnect"))[0], /^transport (close|error)$/);
    await peer.next("connect");
    await alive(peer);
  }],
  ["reconnect-after-away", async (peers) => {
    const peer = await peers.join("/", again);
    let errors = 0;
    peer.socket.io.on("reconnect_error", () => (errors += 1));
    peer.emit("away", 300);
    await peer.next("disconnect");
    await peer.next("connect");
    assert.ok(errors >= 1);
    await alive(peer);
  }],
  ["buffered-while-away", async (peers) => {
    const peer = await peers.join("/", again);
    peer.emit("drop-conn");
    await peer.next("disconnect");
    for (const i of count(10)) peer.emit("message", i);
    assert.deepEqual(await peer.collect("message-back", 10), count(10));
  }],
  ["volatile-before-connect", async (peers) => {
    const peer = peers.start();
    peer.socket.volatile.emit("message", "volatile");
    peer.emit("message", "solid");
    assert.deepEqual(await peer.next("message-back"), ["solid"]);
  }],
  ["acks-fail-on-disconnect", async (peers) => {
    const peer = await peers.join();
    const start = Date.now();
    const waiting = peer.socket.timeout(5000).emitWithAck("never-ack");
    peer.emit("drop-conn");
    await assert.rejects(waiting);
    assert.ok(Date.now() - start < 3000);
  }],
  ["no-reconnection", async (peers) => {
    const peer = await peers.join();
    peer.emit("drop-conn");
    await peer.next("disconnect");
    await staysAway(peer);
  }],
  ["reconnection-attempts", async (peers) => {
    const peer = await peers.join("/", { ...again, reconnectionAttempts: 2 });
    let errors = 0;
    peer.socket.io.on("reconnect_error", () => (errors += 1));
    const failed = new Promise((resolve) => peer.socket.io.once("reconnect_failed", resolve));
    peer.emit("away", 600);
    await failed;
    assert.equal(errors, 2);
    const probe = peers.start("/", again); // the next row wants the server back
    await probe.next("connect");
  }],
  ["backoff", async (peers) => {
    const slow = { reconnectionDelay: 50, reconnectionDelayMax: 200, randomizationFactor: 0 };
    const peer = await peers.join("/", { ...again, ...slow });
    const at = [];
    peer.emit("away", 700);
    await peer.next("disconnect");
    at.push(Date.now());
    peer.socket.io.on("reconnect_attempt", () => at.push(Date.now()));
    await peer.next("connect");
    const gaps = at.slice(1).map((time, i) => time - at[i]);
    assert.ok(gaps.length >= 3, `attempts after ${gaps}`);
    [45, 90, 180].forEach((least, i) => assert.ok(gaps[i] >= least, `attempts after ${gaps}`));
  }],
  ["client-leave", async (peers) => {
    const peer = await peers.join("/", again);
    peer.socket.disconnect();
    await reasonOf(peer, "io client disconnect");
    await staysAway(peer);
  }],
  ["idle", async (peers) => {
    const peer = await peers.join();
    await pause(2000); // to be idle is what is tested
    await alive(peer);
    assert.deepEqual(peer.rest("disconnect"), []);
  }],
  ["ping-timeout", async (peers) => {
    const peer = await peers.join("/", again);
    const start = Date.now();
    peer.emit("silence");
    await reasonOf(peer, "ping timeout");
    const elapsed = Date.now() - start;
    assert.ok(elapsed >= 1500 && elapsed < 4500, `after ${elapsed} ms`);
    await peer.next("connect");
    await alive(peer);
  }],
  ["bad-packet", async (peers) => {
    const peer = await peers.join("/", again);
    peer.emit("raw", "abc");
    await reasonOf(peer, "parse error");
    await peer.next("connect");
    await alive(peer);
  }],
  ["bad-attachments", async (peers) => {
    const peer = await peers.join("/", again);
    peer.emit("raw", '51-["x",{"_placeholder":true,"num":5}]').emit("raw", '2["y"]');
    await reasonOf(peer, "parse error");
    await peer.next("connect");
    await alive(peer);
  }],
  ["unexpected-namespace", async (peers) => {
    const peer = await peers.join();
    peer.emit("raw", '2/custom,["x"]');
    await alive(peer);
  }],
  ["many-clients", async (peers) => {
    const all = await Promise.all(count(20).map(() => peers.join()));
    assert.deepEqual(await Promise.all(all.map((peer, i) => peer.ask("echo", i))), count(20));
  }],
  ["upgrade-under-load", async (peers) => {
    const peer = peers.start();
    for (const i of count(300)) {
      peer.emit("message", i);
      if (i % 10 === 0) await pause(1);
    }
    assert.deepEqual(await peer.collect("message-back", 300), count(300));
    await until(async () => (await peer.ask("transport")) === "websocket", "upgrade");
  }, "upgrade"],
  ["server-burst-in-upgrade", async (peers) => {
    const peer = peers.start();
    peer.emit("burst", 300);
    assert.deepEqual(await peer.collect("burst-back", 300), count(300));
    await peers.settled(peer);
    await alive(peer);
  }, "upgrade"],
  ["kick-in-upgrade", async (peers) => {
    const peer = peers.start();
    peer.emit("kick-conn");
    await reasonOf(peer, "io server disconnect");
  }, "upgrade"],
];
