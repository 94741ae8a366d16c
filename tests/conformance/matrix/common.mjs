// What several rows need.

import assert from "node:assert/strict";

/** An answered question: the peer is connected and nothing stood before the answer. */
export async function connected(peer) {
  assert.equal(await peer.ask("echo", "alive"), "alive");
}

/** Reconnection without long waits. */
export const again = { reconnection: true, reconnectionDelay: 10, reconnectionDelayMax: 50 };

/** The next event with `tag` as first argument: the rest of its arguments. */
export async function own(peer, event, tag) {
  for (;;) {
    const [first, ...rest] = await peer.next(event);
    if (first === tag) return rest;
  }
}

/** 0 to n - 1. */
export const count = (n) => [...Array(n).keys()];
