// socket.io-client and the heartbeat, on every transport.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Peers, columns } from "../lib/peer.mjs";
import { INTERVAL, TIMEOUT, brisk, withServer } from "../lib/suite.mjs";
import { pause, until } from "../lib/wait.mjs";

const rows = {
  "an idle connection lives on": async (peers) => {
    const peer = await peers.join();
    let pings = 0;
    peer.socket.io.on("ping", () => (pings += 1));
    await until(() => pings === 4, "four pings");
    assert.equal(await peer.ask("echo", "alive"), "alive");
    assert.deepEqual(peer.rest("disconnect"), []);
  },

  "a busy connection lives on": async (peers) => {
    const peer = await peers.join();
    const end = Date.now() + 4 * INTERVAL;
    for (let i = 0; Date.now() < end; i++) {
      assert.equal(await peer.ask("echo", i), i);
      await pause(10); // what a busy client does between two questions
    }
    assert.deepEqual(peer.rest("disconnect"), []);
  },

  "a client that does not answer pings is left": async (peers) => {
    const peer = await peers.join();
    const { engine } = peer;
    await new Promise((resolve) => peer.socket.io.once("ping", resolve)); // and answered
    const send = engine._sendPacket.bind(engine);
    clearTimeout(engine._pingTimeoutTimer); // the client must not be the first to give up
    engine._resetPingTimeout = () => {};
    engine._sendPacket = (type, ...rest) => type !== "pong" && send(type, ...rest);
    assert.equal((await peer.next("disconnect"))[0], "transport close");
  },

  "a server that falls silent is left with a ping timeout, and found again": async (peers) => {
    const cable = await peers.throughCable();
    const peer = await peers.join("/", { reconnection: true, reconnectionDelay: 10 });
    const before = peer.socket.id;
    cable.stall();
    assert.equal((await peer.next("disconnect"))[0], "ping timeout");
    cable.plug(true);
    await peer.next("connect");
    assert.notEqual(peer.socket.id, before);
    assert.equal(await peer.ask("echo", "back"), "back");
  },

  "the handshake says what the server was told": async (peers) => {
    const peer = peers.start();
    const handshake = await new Promise((resolve) => peer.engine.once("handshake", resolve));
    assert.deepEqual(
      [handshake.pingInterval, handshake.pingTimeout, handshake.maxPayload],
      [INTERVAL, TIMEOUT, 1_000_000],
    );
  },
};

for (const column of Object.keys(columns)) {
  withServer(`heartbeat: ${column}`, { flags: brisk, concurrency: true }, (server) => {
    for (const [name, run] of Object.entries(rows)) {
      test(name, async () => {
        const peers = new Peers(server, column);
        try {
          await run(peers);
        } finally {
          peers.close();
        }
      });
    }
  });
}
