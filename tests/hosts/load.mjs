// Clients of socket.io that send numbered updates, half of them by polling alone, and two consoles
// that look on. `node load.mjs SETTINGS` (JSON: url, token, viewer, websocket, polling, every_ms,
// addresses); one JSON object a line on stdout. A line on stdin ends the sending; when every client
// is connected and has sent its last number the report is printed; the end of stdin ends it all.

import { Agent } from "node:http";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const require = createRequire(new URL("../conformance/package.json", import.meta.url));
const { io } = require("socket.io-client");

const settings = JSON.parse(process.argv[2]);
const BASE = 75; // a number as two values below what rules call full

const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

const faults = [];
const clients = [];
const counts = { connects: 0, disconnects: {} };
let sending = true;

function fault(who, what) {
  if (faults.length < 1000) faults.push(`${new Date().toISOString()} ${who}: ${what}`);
}

export const health = (number) => ({
  storage: number % BASE,
  cpu: { pct: Math.floor(number / BASE) % BASE },
});

function client(id, transports, address) {
  const agent = new Agent({ keepAlive: true, localAddress: address });
  const socket = io(settings.url, {
    transports,
    upgrade: false,
    agent,
    forceNew: true,
    reconnectionDelay: 100,
    reconnectionDelayMax: 1000,
    auth: settings.token ? { token: settings.token } : {},
  });
  const one = { id, socket, number: 0, connects: 0 };
  socket.on("connect", () => {
    counts.connects += 1;
    one.connects += 1;
    socket.emit("client_connected", { id, health: health(one.number) });
  });
  socket.on("connect_error", (error) => {
    fault(id, `connect: ${error.message} ${error.description?.message ?? error.description ?? ""}`);
  });
  socket.on("disconnect", (reason) => {
    counts.disconnects[reason] = (counts.disconnects[reason] ?? 0) + 1;
  });
  one.timer = setInterval(
    () => {
      if (!sending) return;
      one.number += 1;
      // Without a connection it waits in the client until there is one again.
      socket.emit("client_healthcheck", { id, health: health(one.number) });
    },
    settings.every_ms,
  );
  clients.push(one);
}

// What a console of version 2 shows, and whether a host was ever missing or silent there.
const seen = { rows: new Map(), gone: [], states: {}, backwards: [], connects: 0 };

function numberOf(row) {
  const { storage, cpu } = row;
  return typeof storage === "number" && typeof cpu === "number" ? cpu * BASE + storage : undefined;
}

function take(row) {
  if (!String(row.id).startsWith("load-")) return;
  const before = seen.rows.get(row.id) ?? {};
  const now = { ...before, ...row };
  seen.rows.set(row.id, now);
  if (row.state !== undefined && row.state !== "ok" && before.state !== row.state) {
    seen.states[row.state] = (seen.states[row.state] ?? 0) + 1;
  }
  const [old, young] = [numberOf(before), numberOf(now)];
  if (old !== undefined && young < old && seen.backwards.length < 100) {
    seen.backwards.push(`${row.id}: ${old} -> ${young}`);
  }
}

const named = (cols, rows) => rows.map((row) => Object.fromEntries(cols.map((c, i) => [c, row[i]])));

function consoles() {
  const auth = settings.viewer ? { token: settings.viewer } : {};
  const options = { auth, forceNew: true, reconnectionDelay: 100, reconnectionDelayMax: 1000 };
  const modern = io(settings.url, { ...options, transports: ["websocket"] });
  let cols = [];
  let cursor;
  modern.on("connect", () => {
    seen.connects += 1;
    modern.emit("web_connected", cursor === undefined ? { v: 2 } : { v: 2, cursor });
  });
  modern.on("connect_error", (error) => fault("console", error.message));
  modern.on("fleet_snapshot", (page) => {
    cols = page.cols ?? cols;
    cursor = page.cursor;
    for (const row of named(cols, page.rows)) take(row);
  });
  modern.on("fleet_delta", (delta) => {
    cursor = delta.cursor;
    for (const row of named(cols, delta.rows)) {
      // Columns that did not change are null.
      take(Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null)));
    }
    for (const id of delta.gone ?? []) if (String(id).startsWith("load-")) seen.gone.push(id);
  });
  const original = io(settings.url, { ...options, transports: ["polling", "websocket"] });
  original.on("connect", () => original.emit("web_connected"));
  original.on("connect_error", (error) => fault("original console", error.message));
  original.on("web_client_disconnect", (id) => {
    if (String(id).startsWith("load-")) counts.original_gone = (counts.original_gone ?? 0) + 1;
  });
}

for (let at = 0; at < settings.websocket + settings.polling; at += 1) {
  const kind = at < settings.websocket ? "websocket" : "polling";
  const address = settings.addresses[at % settings.addresses.length];
  // Not all in one moment: what is measured is the swap, not a stampede before it.
  setTimeout(() => client(`load-${kind}-${at}`, [kind], address), at * 10);
}
consoles();

async function until(what, done) {
  const end = Date.now() + 60_000;
  while (!done()) {
    if (Date.now() > end) {
      fault("load", `gave up waiting until ${what}`);
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

const all = settings.websocket + settings.polling;
await until("all are connected", () => clients.length === all && clients.every((c) => c.socket.connected));
say({ event: "up", clients: clients.length });

createInterface({ input: process.stdin })
  .on("line", async (line) => {
    if (line === "mark") {
      // What came before is of no interest.
      Object.assign(counts, { connects: 0, disconnects: {}, original_gone: 0 });
      Object.assign(seen, { gone: [], states: {}, backwards: [] });
      faults.length = 0;
      say({ event: "marked" });
      return;
    }
    sending = line === "go";
    if (sending) return;
    await until("all have sent", () => clients.every((c) => c.socket.connected && c.socket.sendBuffer.length === 0));
    const shown = (c) => numberOf(seen.rows.get(c.id) ?? {}) === c.number;
    await until("the console shows the last numbers", () => clients.every(shown));
    say({
      event: "report",
      faults,
      ...counts,
      gone: seen.gone,
      states: seen.states,
      backwards: seen.backwards,
      wrong: clients.filter((c) => !shown(c)).map((c) => `${c.id}: ${JSON.stringify(seen.rows.get(c.id))} is ${c.number}`),
      last: Object.fromEntries(clients.map((c) => [c.id, c.number])),
    });
  })
  .on("close", () => process.exit(0));
