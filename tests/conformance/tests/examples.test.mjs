// examples/client_of_node: a C++ client of a Node server, as a user runs both.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { freePort } from "../lib/free_port.mjs";
import { lineOf, start } from "../lib/launch.mjs";
import { within } from "../lib/wait.mjs";

const rows = [
  ["buys what is there", ["apples"], 0, [
    "welcome to the shop",
    "the server asks: sure of apples?",
    "apples left: 2",
    "bought: 1 x apples",
  ]],
  ["is told what is sold out", ["pears"], 1, ["welcome to the shop", "not sold: no pears left"]],
  ["is not let in without the right word", ["apples", "guessed"], 1, ["not let in: wrong token"]],
];

describe("the example of a client", () => {
  let server;
  let url;
  before(async () => {
    const NODE_PATH = fileURLToPath(new URL("../node_modules", import.meta.url));
    server = start("example-shop", [String(await freePort())], { NODE_PATH });
    url = await lineOf(server, (line) => /^listening on (\S+)$/.exec(line)?.[1], "address");
  });
  after(() => server?.child.kill("SIGKILL"));

  for (const [name, args, code, lines] of rows) {
    test(name, async () => {
      const client = start("example-client", [url, ...args]);
      assert.equal(await within(client.exited, "end of the example"), code, client.errors);
      assert.deepEqual(client.lines, lines);
    });
  }
});
