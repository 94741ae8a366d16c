// Random numbers that can be repeated: same seed, same run.

/** The seed of this run: MAD_CONFORMANCE_SEED, or the clock. */
export const seed = Number(process.env.MAD_CONFORMANCE_SEED ?? Date.now() % 2 ** 32) >>> 0;

/** A generator of integers: `draw(n)` is in [0, n). */
export function generator(start = seed) {
  let state = start >>> 0;
  return (n) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % n;
  };
}
