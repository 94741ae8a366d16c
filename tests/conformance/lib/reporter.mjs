// Output of a run: a line for each group of rows, every failure in full, counts at the end.

// (Files report one after the other, whatever runs at the same time.)
const around = []; // names of the tests around the one at hand, by nesting
const below = []; // counts of the rows inside, by nesting

const total = { passed: 0, failed: 0, skipped: 0 };
const reasons = new Map();

function zero() {
  return { passed: 0, failed: 0, skipped: 0 };
}

/** Rows are counted; what has rows inside is a group and counts only for a fault of its own. */
function take(event, failed) {
  const { nesting, name, details, skip } = event;
  const inside = below[nesting + 1];
  below.length = Math.min(below.length, nesting + 1);
  const counts = inside ?? zero();
  const cause = details?.error?.failureType;
  const own = failed && !(inside && ["subtestsFailed", "cancelledByParent"].includes(cause));
  // A group that is left out whole has no rows inside: it counts as one.
  const isRow = !inside && (details?.type !== "suite" || skip !== undefined);
  if (own) counts.failed += 1;
  else if (isRow && skip !== undefined) counts.skipped += 1;
  else if (isRow) counts.passed += 1;
  if (isRow && skip !== undefined) note(skip === true || skip === "" ? "no reason" : skip);

  let text = own && cause !== "cancelledByParent" ? failure(event) : "";
  if (nesting === 0) {
    for (const key of Object.keys(total)) total[key] += counts[key];
    const seconds = (details.duration_ms / 1000).toFixed(1);
    const sum = Object.entries(counts).filter(([, n]) => n > 0).map(([key, n]) => `${n} ${key}`);
    text += `${failed ? "FAIL" : " ok "} ${name}: ${sum.join(", ") || "no rows"} (${seconds} s)\n`;
  } else {
    below[nesting] ??= zero();
    for (const key of Object.keys(counts)) below[nesting][key] += counts[key];
  }
  return text;
}

function note(reason) {
  reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
}

function failure({ nesting, name, details }) {
  const path = [...around.slice(0, nesting), name].join(" > ");
  const error = details.error?.cause ?? details.error;
  const message = String(error?.message ?? error).trimEnd().replaceAll("\n", "\n       ");
  const place = /tests\/[\w/.]+mjs:\d+/.exec(error?.stack ?? "")?.[0] ?? "";
  return `not ok ${path}\n       ${message}\n       ${place}\n`;
}

export default async function* report(source) {
  for await (const { type, data } of source) {
    if (type === "test:start") {
      around.length = Math.min(around.length, data.nesting);
      around[data.nesting] = data.name;
    }
    if (type === "test:pass") yield take(data, false);
    if (type === "test:fail") yield take(data, true);
    if (type === "test:stderr") yield data.message;
  }
  for (const [reason, count] of reasons) yield `skipped ${count}: ${reason}\n`;
  yield `${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped\n`;
}
