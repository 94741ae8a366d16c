// Nodes that die, hang or leave behind mad-proxy, and a proxy that is reloaded or replaced: small
// runs with quick probes; with MAD_TEST_EVERYTHING the counts and times of an operator's day.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isReference } from "../lib/launch.mjs";
import { drain, handovers, hangs, kills, quantile, reloads } from "../lib/proxy_faults.mjs";

const everything = process.env.MAD_TEST_EVERYTHING === "1";
const quick = everything ? [] : ["--health-interval", "300ms", "--health-timeout", "300ms"];
const skip = isReference() ? "the reference implementation has no proxy" : false;
const none = (tally) => assert.deepEqual([...tally], []);

describe("mad-proxy when something happens", { skip }, () => {
  test("clients of a killed node are back on another, and nobody is sent to the dead one", async () => {
    const rounds = everything ? 20 : 3;
    const { hit, back, late, refused } = await kills({
      rounds,
      flags: quick,
      gap: everything ? 6000 : 0,
    });
    assert.ok(hit >= rounds);
    assert.ok(
      quantile(back, 0.95) < 10_000,
      `95 of 100 were back after ${quantile(back, 0.95)} ms`,
    );
    assert.deepEqual(late, []);
    none(refused);
  });

  test("sessions of a node that is drained go when they are asked to", async () => {
    const sessions = everything ? 1000 : 100;
    const flags = everything ? [] : ["--drain-grace", "100ms", "--drain-over", "3s"];
    const { moved, said, errors, away } = await drain({ sessions, flags });
    none(errors);
    assert.ok(moved >= sessions);
    assert.equal(away.length, moved);
    assert.deepEqual([...said.keys()].toSorted(), [1012, "close packet"]);
  });

  test("a node that hangs is out within 5 s, and its websockets are elsewhere", async () => {
    const { out, back, refused } = await hangs({ rounds: everything ? 5 : 1 });
    assert.ok(Math.max(...out) < 5000, `out after ${out} ms`);
    assert.ok(back.length > 0);
    none(refused);
  });

  test("a reload costs no session", async () => {
    const small = { rounds: 3, live: 100, rate: 50 };
    const { errors, opened, echoes } = await reloads(everything ? { rounds: 10 } : small);
    none(errors);
    assert.ok(opened > 0 && echoes > 0);
  });

  test("a new process takes over and costs no session", async () => {
    const small = { rounds: 2, live: 100, rate: 50 };
    const { load } = await handovers(everything ? { rounds: 10 } : small);
    none(load.errors);
    assert.ok(load.opened > 0 && load.echoes > 0);
  });
});
