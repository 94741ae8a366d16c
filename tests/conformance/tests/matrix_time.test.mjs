// Every client and the heartbeat, on every transport.

import assert from "node:assert/strict";
import { describe } from "node:test";
import { behaviour } from "../deliberate.mjs";
import { clients, columns } from "../lib/clients.mjs";
import { isReference } from "../lib/launch.mjs";
import { row, withClient } from "../lib/matrix.mjs";
import { INTERVAL, TIMEOUT, both, brisk, withServer } from "../lib/suite.mjs";
import { pause } from "../lib/wait.mjs";
import { able, again, needs } from "../matrix/common.mjs";

const rows = {
  "an idle connection lives on": async (peers) => {
    const peer = await peers.join();
    await peer.heartbeats(4);
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

  "a client whose heart stops is left": async (peers) => {
    const peer = await peers.join();
    await peer.heartbeats(1);
    peer.mute();
    assert.equal(await peer.left(), peers.client.dropped(peers.column));
  },

  "a server that falls silent is left, and found again": async (peers) => {
    const cable = await peers.throughCable();
    const peer = await peers.join("/", again);
    const before = peer.id;
    cable.stall();
    assert.equal(await peer.left(), peers.client.timedOut);
    cable.plug(true);
    await peer.next("connect");
    assert.notEqual(peer.id, before);
    assert.equal(await peer.ask("echo", "back"), "back");
  },

  "the handshake says what the server was told": needs("javascript", async (peers) => {
    const peer = peers.start();
    const handshake = await new Promise((resolve) => peer.engine.once("handshake", resolve));
    assert.deepEqual(
      [handshake.pingInterval, handshake.pingTimeout, handshake.maxPayload],
      [INTERVAL, TIMEOUT, 1_000_000],
    );
  }),
};

const unfit = {
  "a client whose heart stops is left": ({ revision }, column) =>
    revision === 3 && column === "upgrade" && isReference() && behaviour.oldHeartsAfterUpgrade,
};

describe("heartbeat", { concurrency: 2 }, () => {
  for (const name of Object.keys(clients)) {
    withClient(name, (client, can) => {
      for (const column of Object.keys(columns)) {
        const options = { flags: [...brisk, ...both], concurrency: true };
        withServer(column, options, (server) => {
          for (const [name, run] of Object.entries(rows)) {
            if (!able(can(column), run)) continue;
            const skip = unfit[name]?.(client, column) ?? false;
            row(name, server, client, column, run, { skip });
          }
        });
      }
    });
  }
});
