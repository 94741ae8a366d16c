// One client of the matrix: its rows on every transport, against a server with one shard and one
// with two.

import { after, before, describe, test } from "node:test";
import { rowsFor } from "../matrix/rows.mjs";
import { Peers, clients, columns, packing } from "./clients.mjs";
import { isReference } from "./launch.mjs";
import { both, calm, withServer } from "./suite.mjs";

/** `describe` with one client, loaded before and ended after it. */
export function withClient(name, body) {
  const { make, can } = { ...clients, ...packing }[name];
  const client = make();
  describe(name, () => {
    before(() => client.load());
    after(() => client.end());
    body(client, can);
  });
}

/** A test with peers of its own. */
export function row(name, server, client, column, run, options = {}) {
  test(name, options, async () => {
    const peers = new Peers(server, client, column);
    try {
      await run(peers, `${column}: ${name}`);
    } finally {
      peers.close();
    }
  });
}

/** The rows of every client on every transport, against a `server` that the caller starts. */
export function matrixOn(server, names = Object.keys(clients)) {
  for (const name of names) {
    withClient(name, (client, can) => {
      for (const column of Object.keys(columns)) {
        const rows = rowsFor(can(column));
        for (const apart of [false, true]) {
          describe(apart ? `${column}, alone` : column, { concurrency: apart ? 1 : 8 }, () => {
            for (const [name, run] of rows) {
              if (Boolean(run.alone) === apart) row(name, server, client, column, run);
            }
          });
        }
      }
    });
  }
}

/** The reference has no shards. */
export const shards = isReference() ? [1] : [1, 2];

/** `more`: flags of the server beside the usual ones; `without`: names of rows. */
export function matrix(name, { more = [], threads = shards, without = [] } = {}) {
  withClient(name, (client, can) => {
    for (const n of threads) {
      for (const column of Object.keys(columns)) {
        const flags = [...calm, ...both, "--threads", String(n), ...more];
        const title = `${column}, ${n} ${n === 1 ? "shard" : "shards"}`;
        withServer(title, { flags, concurrency: 4 }, (server) => {
          for (const [name, run] of rowsFor(can(column))) {
            if (!without.includes(name)) row(name, server, client, column, run);
          }
        });
      }
    }
  });
}
