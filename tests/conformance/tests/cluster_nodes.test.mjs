// Nodes of mad and of the reference, on one adapter, in both directions.

import { after, before, describe, it } from "node:test";
import { disconnectRow, rows } from "../lib/cluster_rows.mjs";
import { startFleet } from "../lib/fleet.mjs";
import { noRedisFor } from "../lib/redis_server.mjs";

const flavours = {
  classic: { mad: ["--adapter", "classic"], node: [] },
  "classic with own answer channels": {
    mad: ["--adapter", "classic", "--specific-response-channel"],
    node: ["--specific", "on"],
    kind: "classic",
  },
  sharded: { mad: ["--adapter", "sharded"], node: [] },
  streams: { mad: ["--adapter", "streams"], node: [] },
};

/** The clients, with nothing left of the row before. */
function afresh(clients) {
  for (const c of Object.values(clients)) {
    c.heard.length = 0;
    c.onHeard = undefined;
  }
  return clients;
}

for (const [name, { mad, node, kind = name }] of Object.entries(flavours)) {
  for (const others of ["mad", "node"]) {
    describe(`${name}: mad and ${others}`, { skip: noRedisFor(kind) }, () => {
      let fleet;
      before(async () => {
        fleet = await startFleet({
          a: { kind: "mad", args: mad },
          b: others === "mad" ? { kind: "mad", args: [...mad, "--threads", "2"] } : { kind, args: node },
        });
        for (const c of fleet.all) await c.ask("join", "room");
      });
      after(() => fleet?.stop());

      for (const [row, run] of Object.entries(rows)) {
        it(`${row} (mad first)`, () => run(afresh(fleet.clients)));
        it(`${row} (${others} first)`, () => {
          const { a, b } = afresh(fleet.clients);
          return run({ a: b, b: a });
        });
      }
      it("sockets of all nodes are disconnected", () =>
        disconnectRow(
          others === "mad" ? fleet.clients : { a: fleet.clients.b, b: fleet.clients.a },
        ));
    });
  }
}
