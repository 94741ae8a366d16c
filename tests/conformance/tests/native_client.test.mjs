// conformance-client, mad's own client, against real socket.io servers: the rows of CLIENT.md.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { isReference, serve, start } from "../lib/launch.mjs";
import { within } from "../lib/wait.mjs";

const flags = ["--ping-interval", "400ms", "--ping-timeout", "1600ms", "--max-payload", "1000000"];
const WHOLE_RUN = 60_000;

/** [title, `--server` of client-peer, revision of the client] */
const servers = [
  ["socket.io 4.8", "4", 4],
  ["socket.io 3.1", "3", 4],
  ["socket.io 2.3", "2", 3],
  ["socket.io 4.8 with allowEIO3", "4-eio3", 3],
].filter(([, , revision]) => revision === 4 || !isReference("conformance-client"));

/** [name, transports] from the table of rows. */
const rows = readFileSync(new URL("../CLIENT.md", import.meta.url), "utf8")
  .split("## Rows")[1]
  .split("\n")
  .map((line) => /^\| `([\w-]+)` \| (\w+)(, revision 4)? \|/.exec(line))
  .filter(Boolean)
  .map(([, name, transports, only4]) => [name, transports, only4 ? [4] : [3, 4]]);

/** Rows that msgpack has not: a packet that is text, and a number that the peer's msgpack loses. */
const unpackable = ["unexpected-namespace", "echo-numbers"];

async function run(server, revision, transport, more) {
  const peer = await serve("client-peer", [...flags, "--server", server, ...more]);
  try {
    const args = ["--url", peer.url, "--transport", transport, ...more];
    if (revision !== 4) args.push("--revision", `${revision}`);
    const client = start("conformance-client", args);
    try {
      await within(client.exited, `end of the run over ${transport}`, WHOLE_RUN);
    } finally {
      client.child.kill("SIGKILL");
    }
    return client;
  } finally {
    await peer.stop();
  }
}

function verdicts({ lines }) {
  const found = new Map();
  for (const line of lines) {
    const [, no, name, why] = /^(not )?ok (\S+) ?(.*)$/.exec(line) ?? [];
    if (name) found.set(name, no ? why || "failed" : "ok");
  }
  return found;
}

const plain = [["polling"], ["websocket"], ["upgrade"]];
const others = [
  ["websocket", "--compression", "on"],
  ["upgrade", "--compression", "on"],
  ["polling", "--parser", "msgpack"],
  ["upgrade", "--parser", "msgpack"],
];

// Programs of their own that mostly wait: the servers are met side by side.
describe("mad's client", { concurrency: 2 }, () => {
  for (const [title, server, revision] of servers) {
    describe(`against ${title}`, { concurrency: 3 }, () => {
      for (const [transport, ...more] of revision === 4 && server === "4" ? [...plain, ...others] : plain) {
        test(`over ${[transport, ...more].join(" ")}`, async (t) => {
          const wanted = rows.filter(
            ([name, only, revisions]) =>
              (only === "all" || only === transport) &&
              revisions.includes(revision) &&
              !(more.includes("msgpack") && unpackable.includes(name)),
          );
          const client = await run(server, revision, transport, more);
          const found = verdicts(client);
          for (const [name] of wanted) {
            await t.test(name, () => assert.equal(found.get(name) ?? "no line for this row", "ok"));
          }
          const failed = [...found.values()].some((verdict) => verdict !== "ok");
          assert.equal(client.exit, failed ? 1 : 0, `exit code; standard error:\n${client.errors}`);
        });
      }
    });
  }
});
