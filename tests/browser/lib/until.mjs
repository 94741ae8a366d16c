// Waiting, always for a condition and never without an end.

import assert from "node:assert/strict";

export const pause = (ms) => new Promise((done) => setTimeout(done, ms));

/**
 * Asks `check` again and again until it gives something true, and gives that back. At the deadline
 * the last answer, or the last error, is the failure's text.
 */
export async function until(what, check, { seconds = 15, everyMs = 100 } = {}) {
  const deadline = performance.now() + seconds * 1000;
  let last;
  for (;;) {
    try {
      const answer = await check();
      if (answer) return answer;
      last = answer;
    } catch (error) {
      last = error;
    }
    if (performance.now() > deadline) {
      const seen = last instanceof Error ? last.message : JSON.stringify(last);
      assert.fail(`waited ${seconds} s for: ${what}; last: ${seen}`);
    }
    await pause(everyMs);
  }
}
