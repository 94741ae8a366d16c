// What it costs clients behind mad-proxy when a node is killed, hangs or is drained, and when the
// proxy is reloaded or replaced: three nodes, default settings. Prints one table.
//
//     npm ci --prefix tests/conformance
//     MAD_BIN=build/release/bin node bench/proxy_faults.mjs [kills|hangs|drain|reloads|handovers…]
//
// Needs conformance-server and mad-proxy in MAD_BIN, and some eight minutes; --quick does less.

import * as faults from "../tests/conformance/lib/proxy_faults.mjs";

const quick = process.argv.includes("--quick");
const wanted = process.argv.slice(2).filter((word) => !word.startsWith("--"));

const seconds = (ms) => (ms / 1000).toFixed(2);
const spread = (values) =>
  ["median", "95 of 100", "worst"]
    .map((name, i) => `${name} ${seconds(faults.quantile(values, [0.5, 0.95, 1][i]))} s`)
    .join(", ");
const faulty = (tally) =>
  [...tally].map(([what, count]) => `${count} × ${what}`).join("; ") || "none";

const rows = {
  async kills() {
    const rounds = quick ? 3 : 20;
    const { hit, back, known, late, refused } = await faults.kills({ rounds });
    return [
      [`\`kill -9\` of a node, ${rounds} times: known dead`, spread(known)],
      [`its clients (${hit}, default delays) back on another node`, spread(back)],
      ["requests sent to it once it was known dead", String(late.length)],
      ["new sessions that failed after that", faulty(refused)],
    ];
  },
  async hangs() {
    const rounds = quick ? 1 : 5;
    const { out, back, refused } = await faults.hangs({ rounds });
    return [
      [`SIGSTOP of a node, ${rounds} times: out`, spread(out)],
      ["its websockets back on another node, without a delay of their own", spread(back)],
      ["new sessions that failed after that", faulty(refused)],
    ];
  },
  async drain() {
    const { moved, said, errors, away, took } = await faults.drain({
      sessions: quick ? 100 : 1000,
    });
    const words = [...said].map(([what, count]) => `${count} × ${what}`).join(", ");
    return [
      [`drain of a node with ${moved} sessions`, `${seconds(took)} s`],
      ["what they were told", words],
      ["how long each was away", spread(away)],
      ["errors", faulty(errors)],
    ];
  },
  async reloads() {
    const rounds = quick ? 2 : 10;
    const { opened, echoes, errors } = await faults.reloads({ rounds });
    return [
      [`${rounds} reloads: new sessions, messages of the 500 living ones`, `${opened}, ${echoes}`],
      ["failures", faulty(errors)],
    ];
  },
  async handovers() {
    const rounds = quick ? 2 : 10;
    const { load, ready, over } = await faults.handovers({ rounds });
    return [
      [`${rounds} hand-overs to a new process: it is ready`, spread(ready)],
      ["the old one has ended", spread(over)],
      ["new sessions, messages of the 500 living ones", `${load.opened}, ${load.echoes}`],
      ["failures", faulty(load.errors)],
    ];
  },
};

console.log("| what happens | what it costs |\n| --- | --- |");
for (const [name, run] of Object.entries(rows)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  for (const [what, value] of await run()) console.log(`| ${what} | ${value} |`);
}
process.exit(0);
