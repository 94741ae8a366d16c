// Waiting with an end. Nothing here sleeps for luck: `within` ends as soon as its promise does,
// `quietFor` is only for showing that something does *not* happen, `pause` replays the thinking
// time of a recorded client.

/** Factor on every deadline, for slow builds (sanitizers). */
export const patience = Number(process.env.MAD_CONFORMANCE_PATIENCE ?? 1);

/** How long an answer may take that has no time of its own. */
export const SOON = 10_000;

export function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** `promise`, or an error that names `what` after `ms`. */
export async function within(promise, what, ms = SOON) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no ${what} within ${ms} ms`)), ms * patience);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Ends well when `promise` is still open after `ms`: a bounded look at silence. */
export async function quietFor(promise, what, ms = 100) {
  const silent = Symbol("silent");
  const first = await Promise.race([promise, pause(ms).then(() => silent)]);
  if (first !== silent) throw new Error(`unexpected ${what}: ${describe(first)}`);
}

/** Asks `look` every few milliseconds until it gives something. */
export async function until(look, what, ms = SOON) {
  const end = Date.now() + ms * patience;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > end) throw new Error(`not so within ${ms} ms: ${what}`);
    await pause(5);
  }
}

/** The next `event` of an emitter, as the array of its arguments. */
export function next(emitter, event, what = event, ms = SOON) {
  return within(
    new Promise((resolve) => emitter.once(event, (...args) => resolve(args))),
    what,
    ms,
  );
}

function describe(value) {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return String(text).slice(0, 200);
}
