// The matrix through mad-proxy, before three nodes of one kind on one Redis, with a crowd beside.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { startFleet } from "./fleet.mjs";
import { isReference } from "./launch.mjs";
import { matrixOn } from "./matrix.mjs";
import { startProxy } from "./proxied.mjs";
import { noRedis } from "./redis_server.mjs";
import { crowd } from "./sessions.mjs";

const crowded = 5000;

/** `kind` as startFleet takes it. */
export function behindProxy(title, kind) {
  const skip = isReference() ? "the reference implementation has no proxy" : noRedis;
  describe(title, { skip }, () => {
    let fleet, proxy, sessions;
    const server = {};
    before(async () => {
      // Nobody is pinged on the way, and each handshake tells whose it is.
      const revisions = kind === "mad" ? ["--eio3", "on"] : []; // on there
      const node = (i) => ({ kind, args: ["--ping-interval", `${25_000 + i}ms`, ...revisions] });
      fleet = await startFleet({ a: node(0), b: node(1), c: node(2) });
      proxy = await startProxy(Object.values(fleet.nodes));
      await proxy.ready();
      Object.assign(server, { url: proxy.url, host: proxy.host, port: proxy.port });
      sessions = crowd(server, crowded);
      sessions.catch(() => {}); // its row says so
    });
    after(async () => {
      await proxy?.stop();
      await fleet?.stop();
    });

    matrixOn(server);

    test(`${crowded} polling sessions beside them: none is unknown to its node`, async () => {
      const { errors, spread } = await sessions;
      assert.deepEqual([...errors], []);
      assert.equal(spread.sum, crowded);
      assert.deepEqual([...spread.keys()].toSorted(), [25_000, 25_001, 25_002]);
    });

    test("the proxy has taken no session for a lost one", async () => {
      const { body } = await proxy.admin("/upstreams");
      assert.equal(body.session_gone, 0);
      assert.deepEqual(Object.keys(body.rejects), []);
    });
  });
}
