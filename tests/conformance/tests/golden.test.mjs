// The recorded exchanges in golden/, replayed against golden-server.

import { describe, test } from "node:test";
import { differences, leftOut } from "../deliberate.mjs";
import { isReference, serve } from "../lib/launch.mjs";
import { load } from "../replay/capture.mjs";
import { asVersion4 } from "../replay/older.mjs";
import { Replay } from "../replay/replayer.mjs";
import { ordered, supplements } from "../replay/supplements.mjs";

const reference = isReference("golden-server");

function reasonToSkip(capture, note) {
  return leftOut.find((entry) => entry.capture === capture && entry.note.test(note))?.reason;
}

/** Steps that share a server are replayed in order. */
function groups(extra, steps) {
  if (extra.ownServers) return steps.map((step) => [step]);
  if (!extra.flagsFor) return [steps];
  const all = [];
  for (const step of steps) {
    const previous = all.at(-1);
    if (previous && extra.flagsFor(previous[0].note) === extra.flagsFor(step.note)) {
      previous.push(step);
    } else {
      all.push([step]);
    }
  }
  return all;
}

function flagsOf(extra, { note }, place) {
  return (
    extra.flags ??
    extra.flagsOf?.(place) ??
    extra.flagsFor?.(note) ??
    extra.steps?.[note]?.flags ??
    []
  );
}

async function replayGroup(t, capture, steps, extra, place) {
  const flags = flagsOf(extra, steps[0], place);
  const server = await serve("golden-server", flags);
  const replay = new Replay(server, steps, { extra, differs: differences(capture, reference) });
  try {
    let broken; // in a capture of one session nothing after a failure says anything
    for (const { note, records } of steps) {
      await t.test(note, { skip: extra.oneSession && broken }, async (row) => {
        broken = `after the failure of: ${note}`;
        const met = replay.taken.length;
        await replay.step({ note, records: ordered(records, extra.answeredBefore) });
        for (const reason of replay.taken.slice(met)) row.diagnostic(`differs: ${reason}`);
        broken = undefined;
      });
    }
  } finally {
    replay.close();
    await server.stop();
  }
}

describe("recorded exchanges", { concurrency: 4 }, () => {
  for (const [capture, extra] of Object.entries(supplements)) {
    const recorded = load(capture).steps;
    const steps = extra.older ? asVersion4(recorded, extra.older) : recorded;
    for (const { note } of steps) {
      const skip = reasonToSkip(capture, note);
      if (skip) test(`${capture}: ${note}`, { skip });
    }
    const kept = steps.filter(({ note }) => !reasonToSkip(capture, note));
    for (const group of groups(extra, kept)) {
      const place = steps.indexOf(group[0]);
      const title = group.length > 1 ? capture : `${capture} ${place + 1}`;
      test(title, (t) => replayGroup(t, capture, group, extra, place));
    }
  }
});
