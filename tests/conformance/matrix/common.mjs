// What several rows need.

import assert from "node:assert/strict";

/** An answered question: the peer is connected and nothing stood before the answer. */
export async function connected(peer) {
  assert.equal(await peer.ask("echo", "alive"), "alive");
}

/** Reconnection without long waits. */
export const again = { reconnection: true, reconnectionDelay: 10, reconnectionDelayMax: 50 };

/** A row for clients that can all of `abilities` (lib/clients.mjs). */
export function needs(abilities, run) {
  return Object.assign((...args) => run(...args), { needs: [abilities].flat() });
}

/**
 * A row that cuts connections: not beside others, whose broadcast it could cut in the middle of a
 * packet with bytes. Clients of release 3 and older still wait for the rest on the next connection.
 */
export const alone = (run) => Object.assign((...args) => run(...args), { alone: true });

/** Whether a client that can `abilities` can go through the row. */
export const able = (abilities, { needs = [] }) => needs.every((one) => abilities.includes(one));

/** The next event with `tag` as first argument: the rest of its arguments. */
export async function own(peer, event, tag) {
  for (;;) {
    const [first, ...rest] = await peer.next(event);
    if (first === tag) return rest;
  }
}

/** 0 to n - 1. */
export const count = (n) => [...Array(n).keys()];
