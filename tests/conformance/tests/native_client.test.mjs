// conformance-client, mad's own client, against a real socket.io server: the rows of CLIENT.md.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { serve, start } from "../lib/launch.mjs";
import { within } from "../lib/wait.mjs";

const flags = ["--ping-interval", "400ms", "--ping-timeout", "1600ms", "--max-payload", "1000000"];
const WHOLE_RUN = 60_000;

/** [name, transports] from the table of rows. */
const rows = readFileSync(new URL("../CLIENT.md", import.meta.url), "utf8")
  .split("## Rows")[1]
  .split("\n")
  .map((line) => /^\| `([\w-]+)` \| (\w+) \|/.exec(line))
  .filter(Boolean)
  .map(([, name, transports]) => [name, transports]);

/** Rows that msgpack has not: a packet that is text, and a number that the peer's msgpack loses. */
const unpackable = ["unexpected-namespace", "echo-numbers"];

async function run(transport, more) {
  const peer = await serve("client-peer", [...flags, ...more]);
  try {
    const client = start("conformance-client", [
        ...["--url", peer.url, "--transport", transport],
        ...more,
      ]);
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

describe("mad's client against socket.io", { concurrency: 3 }, () => {
  const packed = ["--parser", "msgpack"];
  const compressed = ["--compression", "on"];
  for (const [transport, ...more] of [
    ["polling"],
    ["websocket"],
    ["upgrade"],
    ["websocket", ...compressed],
    ["upgrade", ...compressed],
    ["polling", ...packed],
    ["upgrade", ...packed],
  ]) {
    test(`over ${[transport, ...more].join(" ")}`, async (t) => {
      const wanted = rows.filter(
        ([name, only]) =>
          (only === "all" || only === transport) && !(more.includes("msgpack") && unpackable.includes(name)),
      );
      const client = await run(transport, more);
      const found = verdicts(client);
      for (const [name] of wanted) {
        await t.test(name, () => assert.equal(found.get(name) ?? "no line for this row", "ok"));
      }
      const failed = [...found.values()].some((verdict) => verdict !== "ok");
      assert.equal(client.exit, failed ? 1 : 0, `exit code; standard error:\n${client.errors}`);
    });
  }
});
