// What a socket.io-client may rely on. Each row runs on every transport: `peers` opens clients of
// the column at hand, `tag` is a word no other row has (rows run side by side on one server).

import assert from "node:assert/strict";
import { pause, until } from "../lib/wait.mjs";
import { binaries, values } from "./values.mjs";

const idForm = /^[\w-]{20}$/;

async function connected(peer) {
  assert.equal(await peer.ask("echo", "alive"), "alive");
}

const connecting = {
  "auth reaches the server": async (peers) => {
    const auth = { token: "abc", nested: { list: [1, "€", null] } };
    const peer = await peers.join("/", { auth });
    assert.deepEqual(await peer.next("auth"), [auth]);
  },

  "auth may be a function": async (peers) => {
    const peer = await peers.join("/", { auth: (give) => give({ token: "later" }) });
    assert.deepEqual(await peer.next("auth"), [{ token: "later" }]);
  },

  "no auth is an empty object": async (peers) => {
    const peer = await peers.join();
    assert.deepEqual(await peer.next("auth"), [{}]);
  },

  "ids are 20 characters and not the session's": async (peers) => {
    const peer = await peers.join();
    const other = await peers.beside(peer, "/custom");
    const ids = [peer.socket.id, other.socket.id, peer.engine.id];
    for (const id of ids) assert.match(id, idForm);
    assert.equal(new Set(ids).size, 3);
    assert.equal(await peer.ask("whoami"), ids[0]);
    assert.equal(await other.ask("whoami"), ids[1]);
  },

  "the query reaches the server": async (peers) => {
    const query = { user: "a b&c=d", "ключ": "€😀", empty: "", plus: "1+1" };
    const peer = await peers.join("/", { query });
    const got = await peer.ask("handshake-query");
    for (const [key, value] of Object.entries(query)) assert.equal(got[key], value);
    assert.equal(got.EIO, "4");
    assert.equal(got.transport, peers.column === "websocket" ? "websocket" : "polling");
  },

  "it runs on the transport asked for": async (peers) => {
    const peer = await peers.join();
    assert.equal(peer.wire, peers.column === "polling" ? "polling" : "websocket");
    await connected(peer);
  },

  "events sent before the connection go out after it, in order": async (peers) => {
    const peer = peers.start();
    for (let i = 0; i < 20; i++) peer.emit("message", i);
    assert.deepEqual(await peer.collect("message-back", 20), [...Array(20).keys()]);
  },

  "base64 instead of bytes, when the client wants it": async (peers) => {
    const peer = await peers.join("/", { forceBase64: true });
    const value = [Buffer.from([1, 2, 255]), "x"];
    assert.deepEqual(await peer.ask("echo", value), value);
  },

  "twenty clients at once": async (peers) => {
    const all = await Promise.all(Array.from({ length: 20 }, () => peers.join()));
    assert.equal(new Set(all.map(({ socket }) => socket.id)).size, 20);
    const echoes = await Promise.all(all.map((peer, i) => peer.ask("echo", i)));
    assert.deepEqual(echoes, [...Array(20).keys()]);
  },
};

const events = {
  "arguments of an event": async (peers) => {
    const peer = await peers.join();
    const args = [1, "two", { three: [3] }, null, Buffer.from([4]), true];
    peer.emit("message", ...args);
    assert.deepEqual(await peer.next("message-back"), args);
  },

  "an event without arguments": async (peers) => {
    const peer = await peers.join();
    peer.emit("message");
    assert.deepEqual(await peer.next("message-back"), []);
  },

  "arguments of an ack": async (peers) => {
    const peer = await peers.join();
    const args = [1, "2", { 3: [false] }, Buffer.from([5, 6])];
    const got = await new Promise((ack) =>
      peer.emit("message-with-ack", ...args, (...back) => ack(back)),
    );
    assert.deepEqual(got, args);
  },

  "two hundred questions at once get their own answers": async (peers) => {
    const peer = await peers.join();
    const asked = [...Array(200).keys()];
    assert.deepEqual(await Promise.all(asked.map((i) => peer.ask("echo", i))), asked);
  },

  "a question of the server": async (peers) => {
    const peer = await peers.join();
    peer.socket.on("question", (value, ack) => ack("answer to", value));
    peer.emit("ask", { v: [1, "€"] });
    assert.deepEqual(await peer.next("answered"), ["answer to", { v: [1, "€"] }]);
  },

  "a question of the server, with bytes both ways": async (peers) => {
    const peer = await peers.join();
    peer.socket.on("question", (value, ack) => ack(value, { more: Buffer.from([9]) }));
    peer.emit("ask", Buffer.from([7, 8]));
    const wanted = [Buffer.from([7, 8]), { more: Buffer.from([9]) }];
    assert.deepEqual(await peer.next("answered"), wanted);
  },

  "questions of the server in both namespaces": async (peers) => {
    const peer = await peers.join();
    const other = await peers.beside(peer, "/custom");
    for (const [who, word] of [[peer, "root"], [other, "custom"]]) {
      who.socket.on("question", (value, ack) => ack(word, value));
    }
    peer.emit("ask", 1);
    other.emit("ask", 2);
    assert.deepEqual(await peer.next("answered"), ["root", 1]);
    assert.deepEqual(await other.next("answered"), ["custom", 2]);
  },

  "an ack that never comes times out on the client": async (peers) => {
    const peer = await peers.join();
    await assert.rejects(peer.socket.timeout(50).emitWithAck("nobody-listens"), /timed out/);
    await connected(peer);
  },

  "retries of the client get each packet through once": async (peers) => {
    const peer = await peers.join("/", { retries: 3, ackTimeout: 5000 });
    const acks = Array.from({ length: 20 }, (_, i) => peer.ask("message-with-ack", i));
    assert.deepEqual(await Promise.all(acks), [...Array(20).keys()]);
  },

  "a burst of 500 from the server keeps its order": async (peers) => {
    const peer = await peers.join();
    peer.emit("burst", 500);
    assert.deepEqual(await peer.collect("burst-back", 500), [...Array(500).keys()]);
  },

  "a burst of 500 from the client keeps its order": async (peers) => {
    const peer = await peers.join();
    for (let i = 0; i < 500; i++) peer.emit("message", i);
    assert.deepEqual(await peer.collect("message-back", 500), [...Array(500).keys()]);
  },

  "text, bytes and acks keep their order among each other": async (peers) => {
    const peer = await peers.join();
    const seen = [];
    for (let i = 0; i < 90; i++) {
      if (i % 3 === 0) peer.emit("message", i);
      if (i % 3 === 1) peer.emit("message", i, Buffer.from([i]));
      if (i % 3 === 2) peer.emit("echo", i, (back) => seen.push(back));
    }
    peer.socket.on("message-back", (i) => seen.push(i));
    await peer.ask("echo", "last");
    assert.deepEqual(seen, [...Array(90).keys()]);
  },

  "300 kB to the client": async (peers) => {
    const peer = await peers.join();
    peer.emit("big", 300_000);
    const [text] = await peer.next("big-back");
    assert.equal(text.length, 300_000);
    assert.equal(new Set(text).size, 1);
  },

  "300 kB to the server and back": async (peers) => {
    const peer = await peers.join();
    const text = "0123456789€".repeat(25_000);
    assert.ok((await peer.ask("echo", text)) === text);
  },

  "volatile events arrive on a quiet connection": async (peers) => {
    const peer = await peers.join();
    const arrived = peer.next("message-back");
    const again = setInterval(() => peer.socket.volatile.emit("message", "light"), 50);
    assert.deepEqual(await arrived.finally(() => clearInterval(again)), ["light"]);
  },
};

const namespaces = {
  "two namespaces share a connection and nothing else": async (peers) => {
    const peer = await peers.join("/", { auth: { who: 1 } });
    const other = await peers.beside(peer, "/custom", { auth: { who: 2 } });
    assert.equal(other.engine, peer.engine);
    assert.deepEqual(await peer.next("auth"), [{ who: 1 }]);
    assert.deepEqual(await other.next("auth"), [{ who: 2 }]);
    other.emit("message", "custom");
    peer.emit("message", "root");
    assert.deepEqual(await other.next("message-back"), ["custom"]);
    assert.deepEqual(await peer.next("message-back"), ["root"]);
  },

  "leaving one namespace leaves the other": async (peers) => {
    const peer = await peers.join();
    const other = await peers.beside(peer, "/custom");
    other.socket.disconnect();
    await connected(peer);
    assert.deepEqual(peer.rest("disconnect"), []);
  },

  "a namespace can be left and joined again": async (peers) => {
    const peer = await peers.join();
    const other = await peers.beside(peer, "/custom");
    const before = other.socket.id;
    other.socket.disconnect();
    await connected(peer); // the leave has been read
    other.socket.connect();
    await other.next("connect");
    assert.notEqual(other.socket.id, before);
    await connected(other);
  },

  "a refusal with data": async (peers) => {
    const peer = peers.start("/denied", { reconnection: true, reconnectionDelay: 10 });
    const [error] = await peer.next("connect_error");
    assert.equal(error.message, "not authorized");
    assert.deepEqual(error.data, { code: "E_DENIED" });
    assert.equal(peer.socket.active, false);
  },

  "a refusal without data": async (peers) => {
    const peer = peers.start("/denied-plain");
    const [error] = await peer.next("connect_error");
    assert.equal(error.message, "plain refusal");
    assert.equal(error.data, undefined);
  },

  "an unknown namespace": async (peers) => {
    const peer = peers.start("/unknown");
    const [error] = await peer.next("connect_error");
    assert.equal(error.message, "Invalid namespace");
  },

  "a refusal does not touch other namespaces of the connection": async (peers) => {
    const peer = await peers.join();
    const refused = peers.startBeside(peer, "/denied");
    await refused.next("connect_error");
    await connected(peer);
    await connected(await peers.beside(peer, "/custom"));
  },
};

const rooms = {
  "a broadcast reaches all of the namespace": async (peers, tag) => {
    const [one, two] = [await peers.join(), await peers.join()];
    const other = await peers.join("/custom");
    one.emit("bcast", tag, { x: 1 }, Buffer.from([1]));
    for (const peer of [one, two]) {
      assert.deepEqual(await own(peer, "bcast-out", tag), [{ x: 1 }, Buffer.from([1])]);
    }
    await connected(other);
    assert.ok(!other.rest("bcast-out").some(([first]) => first === tag));
  },

  "a broadcast to the others spares the sender": async (peers, tag) => {
    const [one, two, three] = [await peers.join(), await peers.join(), await peers.join()];
    one.emit("bcast-others", tag);
    for (const peer of [two, three]) await own(peer, "others-out", tag);
    await connected(one);
    assert.ok(!one.rest("others-out").some(([first]) => first === tag));
  },

  "a room gets what is sent to it, once": async (peers, tag) => {
    const [one, two, three] = [await peers.join(), await peers.join(), await peers.join()];
    await Promise.all([one, two].map((peer) => peer.ask("join", tag)));
    await one.ask("join", tag); // twice is once
    three.emit("room-emit", tag, tag, 1);
    for (const peer of [one, two]) assert.deepEqual(await own(peer, "room-out", tag), [1]);
    for (const peer of [one, two, three]) {
      await connected(peer);
      assert.deepEqual(peer.rest("room-out"), []);
    }
  },

  "who left a room gets nothing more": async (peers, tag) => {
    const [one, two] = [await peers.join(), await peers.join()];
    await Promise.all([one, two].map((peer) => peer.ask("join", tag)));
    await two.ask("leave", tag);
    await two.ask("leave", `${tag} never joined`);
    one.emit("room-emit", tag, tag);
    await own(one, "room-out", tag);
    await connected(two);
    assert.deepEqual(two.rest("room-out"), []);
  },

  "rooms of one name in two namespaces are two": async (peers, tag) => {
    const [one, two] = [await peers.join(), await peers.join("/custom")];
    await Promise.all([one, two].map((peer) => peer.ask("join", tag)));
    one.emit("room-emit", tag, tag);
    await own(one, "room-out", tag);
    await connected(two);
    assert.deepEqual(two.rest("room-out"), []);
  },

  "everybody is in the room of the own id": async (peers, tag) => {
    const [one, two] = [await peers.join(), await peers.join()];
    one.emit("room-emit", two.socket.id, tag, "private");
    assert.deepEqual(await own(two, "room-out", tag), ["private"]);
    await connected(one);
    assert.deepEqual(one.rest("room-out"), []);
  },

  "an empty room is nobody": async (peers, tag) => {
    const peer = await peers.join();
    peer.emit("room-emit", `${tag} empty`, tag);
    await connected(peer);
    assert.deepEqual(peer.rest("room-out"), []);
  },

  "broadcasts keep their order": async (peers, tag) => {
    const [one, two] = [await peers.join(), await peers.join()];
    for (const peer of [one, two]) await peer.ask("join", tag);
    for (let i = 0; i < 100; i++) one.emit("room-emit", tag, i);
    for (const peer of [one, two]) {
      assert.deepEqual(await peer.collect("room-out", 100), [...Array(100).keys()]);
    }
  },

  "who is gone is in no room": async (peers, tag) => {
    const [one, two] = [await peers.join(), await peers.join()];
    await Promise.all([one, two].map((peer) => peer.ask("join", tag)));
    two.socket.disconnect();
    await connected(one);
    one.emit("room-emit", tag, tag);
    await own(one, "room-out", tag);
    assert.deepEqual(two.rest("room-out"), []);
  },
};

/** The next event with `tag` as first argument: the rest of its arguments. */
async function own(peer, event, tag) {
  for (;;) {
    const [first, ...rest] = await peer.next(event);
    if (first === tag) return rest;
  }
}

const again = { reconnection: true, reconnectionDelay: 10, reconnectionDelayMax: 50 };

const endings = {
  "kick: io server disconnect, and no new attempt": async (peers) => {
    const peer = await peers.join("/", again);
    peer.emit("kick");
    assert.equal((await peer.next("disconnect"))[0], "io server disconnect");
    assert.equal(peer.socket.active, false);
  },

  "kick in one namespace leaves the other": async (peers) => {
    const peer = await peers.join();
    const other = await peers.beside(peer, "/custom");
    other.emit("kick");
    assert.equal((await other.next("disconnect"))[0], "io server disconnect");
    await connected(peer);
  },

  "kick-conn: io server disconnect in every namespace": async (peers) => {
    const peer = await peers.join("/", again);
    const other = await peers.beside(peer, "/custom");
    peer.emit("kick-conn");
    for (const { next } of [peer, other].map((who) => ({ next: who.next("disconnect") }))) {
      assert.equal((await next)[0], "io server disconnect");
    }
  },

  "after a kick the client may come back by itself": async (peers) => {
    const peer = await peers.join();
    const before = peer.socket.id;
    peer.emit("kick");
    await peer.next("disconnect");
    peer.socket.connect();
    await peer.next("connect");
    assert.notEqual(peer.socket.id, before);
    await connected(peer);
  },

  "drop-conn: transport close": async (peers) => {
    const peer = await peers.join();
    peer.emit("drop-conn");
    assert.equal((await peer.next("disconnect"))[0], "transport close");
  },

  "after drop-conn the client is back with new ids": async (peers) => {
    const peer = await peers.join("/", again);
    const other = await peers.beside(peer, "/custom");
    const ids = [peer.socket.id, other.socket.id, peer.engine.id];
    peer.emit("drop-conn");
    for (const who of [peer, other]) await who.next("disconnect");
    for (const who of [peer, other]) await who.next("connect");
    ids.push(peer.socket.id, other.socket.id, peer.engine.id);
    assert.equal(new Set(ids).size, 6);
    await connected(peer);
    await connected(other);
  },

  "events sent while away go out after the return, in order": async (peers) => {
    const peer = await peers.join("/", again);
    peer.emit("drop-conn");
    await peer.next("disconnect");
    for (let i = 0; i < 10; i++) peer.emit("message", i);
    await peer.next("connect");
    assert.deepEqual(await peer.collect("message-back", 10), [...Array(10).keys()]);
  },

  "ten drops in a row": async (peers) => {
    const peer = await peers.join("/", again);
    for (let i = 0; i < 10; i++) {
      peer.emit("drop-conn");
      await peer.next("disconnect");
      await peer.next("connect");
      await connected(peer);
    }
  },

  "a connection that is cut by the network comes back": async (peers) => {
    const cable = await peers.throughCable();
    const peer = await peers.join("/", again);
    const before = peer.socket.id;
    const gone = peer.next("disconnect");
    await until(() => {
      cable.cut(); // between two polls there is nothing to cut
      return !peer.socket.connected;
    }, "cut noticed");
    assert.match((await gone)[0], /^transport (close|error)$/);
    await peer.next("connect");
    assert.notEqual(peer.socket.id, before);
    await connected(peer);
  },

  "a server that is away for a while is found again": async (peers) => {
    const cable = await peers.throughCable();
    const peer = await peers.join("/", again);
    cable.plug(false);
    await peer.next("disconnect");
    for (let i = 0; i < 3; i++) {
      await new Promise((resolve) => peer.socket.io.once("reconnect_error", resolve));
    }
    peer.emit("message", "kept");
    cable.plug(true);
    await peer.next("connect");
    assert.deepEqual(await peer.next("message-back"), ["kept"]);
  },

  "the client's own leave: io client disconnect": async (peers) => {
    const peer = await peers.join("/", again);
    peer.socket.disconnect();
    assert.equal((await peer.next("disconnect"))[0], "io client disconnect");
  },

  "what the server says before it kicks arrives": async (peers) => {
    const peer = await peers.join();
    peer.emit("burst", 50).emit("kick-conn");
    assert.deepEqual(await peer.collect("burst-back", 50), [...Array(50).keys()]);
    await peer.next("disconnect");
  },
};

const upgrading = {
  "messages of the client during the upgrade": async (peers) => {
    const peer = peers.start();
    const total = 300;
    for (let i = 0; i < total; i++) {
      peer.emit("message", i);
      if (i % 10 === 0) await pause(1); // spread over polling, probe and websocket
    }
    assert.deepEqual(await peer.collect("message-back", total), [...Array(total).keys()]);
    await peers.settled(peer);
  },

  "messages of the server during the upgrade": async (peers, tag) => {
    const sender = await peers.join();
    for (let round = 0; round < 5; round++) {
      const room = `${tag} ${round}`;
      const peer = peers.start();
      peer.emit("join", room, () => {});
      await peer.next("connect");
      await peer.ask("echo", "joined");
      for (let i = 0; i < 100; i++) {
        sender.emit("room-emit", room, i);
        if (i % 10 === 0) await pause(1); // as above
      }
      assert.deepEqual(await peer.collect("room-out", 100), [...Array(100).keys()]);
      await peers.settled(peer);
    }
  },

  "bytes during the upgrade": async (peers) => {
    const peer = peers.start();
    for (let i = 0; i < 60; i++) peer.emit("message", i, Buffer.from([i]), { b: Buffer.from([i]) });
    for (let i = 0; i < 60; i++) {
      const bytes = Buffer.from([i]);
      assert.deepEqual(await peer.next("message-back"), [i, bytes, { b: bytes }]);
    }
    await peers.settled(peer);
  },

  "a kick during the upgrade": async (peers) => {
    const peer = peers.start();
    peer.emit("kick-conn");
    assert.equal((await peer.next("disconnect"))[0], "io server disconnect");
  },
};

const echo = Object.fromEntries(
  [...values, ...binaries].map(([name, value, back = value]) => [
    `echo of ${name}`,
    async (peers) => {
      const peer = await peers.join();
      assert.deepEqual(await peer.ask("echo", value), back);
      peer.emit("message", "and", value);
      assert.deepEqual(await peer.next("message-back"), ["and", back]);
    },
  ]),
);

/** [name, run(peers, tag)] of every row. */
export const rows = Object.entries({
  ...connecting,
  ...events,
  ...namespaces,
  ...rooms,
  ...endings,
  ...upgrading,
  ...echo,
});
