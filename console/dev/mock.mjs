// `npm run mock [-- --hosts 50 --port 3000 --faults --version 2]`: a node with a made-up fleet, and the
// built page at the same address. With --faults hosts fall silent, leave and come back; with
// --version 1 it speaks as original nodes do; with --tokens it wants one (dev/mock_rest.mjs).

import { existsSync } from "node:fs";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Server } from "socket.io";
import { history } from "./details.mjs";
import { columns, FakeHost } from "./fleet.mjs";
import { mockRest } from "./mock_rest.mjs";
import { pages } from "./pages.mjs";

const { values } = parseArgs({
  options: {
    hosts: { type: "string", default: "50" },
    port: { type: "string", default: "3000" },
    root: { type: "string", default: fileURLToPath(new URL("../dist", import.meta.url)) },
    version: { type: "string", default: "2" },
    faults: { type: "boolean", default: false },
    tokens: { type: "boolean", default: false },
  },
});
const intervalMs = 2500;
const { root } = values;
const config = { api_url: "", path: "/socket.io/", version: "mock" };
const handler = existsSync(root)
  ? pages(root, config)
  : (request, response) => {
      const known = request.url === "/config.json";
      response.writeHead(known ? 200 : 404, { "Content-Type": "application/json" });
      response.end(known ? JSON.stringify(config) : "");
    };
const http = createServer((request, response) => {
  if (modern && rest(request, response)) return;
  handler(request, response);
});
const io = new Server(http);

const modern = values.version !== "1";
const latest = new Map();
const log = [];
/** By host: the number of its newest change; in order. */
const changed = new Map();
let number = 0;
let made = 0;

function report(host) {
  if (host.silent) return;
  const record = host.sample();
  latest.set(host.id, record);
  if (modern) io.to(`watch ${host.id}`).emit("web_client_update", record);
  else io.emit("web_client_update", record);
  touched(host);
}

/** The host's row goes with the next delta. */
function touched(host) {
  number += 1;
  changed.delete(host);
  changed.set(host, number);
}

function start(index) {
  const host = new FakeHost(index);
  report(host);
  host.timer = setTimeout(() => {
    report(host);
    host.timer = setInterval(() => report(host), intervalMs);
  }, Math.random() * intervalMs);
  return host;
}

function stop(host) {
  clearTimeout(host.timer);
  changed.delete(host);
  latest.delete(host.id);
  io.emit("web_client_disconnect", host.id);
}

const hosts = Array.from({ length: Number(values.hosts) }, () => start(made++));

if (values.faults) {
  setInterval(() => {
    const at = Math.floor(Math.random() * hosts.length);
    if (Math.random() < 0.5) {
      hosts[at].silent = !hosts[at].silent;
    } else if (!modern) {
      stop(hosts[at]);
      hosts[at] = start(made++);
    }
  }, 4000);
}

const rest = mockRest(
  {
    find: (id) => {
      const host = hosts.find((of) => of.id === id);
      if (host === undefined) return undefined;
      const row = Object.fromEntries(host.row().map((value, at) => [columns[at], value]));
      return { ...row, reason: row.state === "offline" ? "silent" : "", record: latest.get(id) };
    },
    states: (id) => log.filter((turn) => id === null || turn.id === id).slice(0, 100),
    forget: (id) => {
      const at = hosts.findIndex((of) => of.id === id);
      if (hosts[at].last !== "offline") return false;
      const [host] = hosts.splice(at, 1);
      stop(host);
      io.emit("fleet_delta", { rows: [], gone: [id], cursor: `mock.${number}` });
      return true;
    },
  },
  { tokens: values.tokens },
);

io.use((socket, next) => {
  const said = rest.who(socket.handshake.auth.token);
  if (!said.startsWith("!") && said !== "agent") return next();
  const code = said === "agent" ? "may_not_read" : said.slice(1);
  return next(Object.assign(new Error("unauthorized"), { data: { code } }));
});

/** The rows changed since a number, oldest change last to be looked at. */
function since(from) {
  const rows = [];
  for (const [host, at] of [...changed].reverse()) {
    if (at <= from) break;
    rows.push(host.row());
  }
  return rows;
}

function snapshot(socket) {
  const chunk = 2000;
  const all = hosts.map((host) => host.row());
  for (let at = 0; at === 0 || at < all.length; at += chunk) {
    const rows = all.slice(at, at + chunk);
    const last = at + chunk >= all.length;
    socket.emit("fleet_snapshot", { cols: columns, rows, last, cursor: `mock.${number}` });
  }
}

io.on("connection", (socket) => {
  let sent = 0;
  let timer;
  socket.on("web_connected", (asked) => {
    if (!modern || asked?.v !== 2) {
      socket.emit("load_clients", [...latest.values()]);
      return;
    }
    const [, from] = /^mock\.(\d+)$/.exec(asked.cursor ?? "") ?? [];
    if (from === undefined) snapshot(socket);
    else {
      const rows = since(Number(from));
      socket.emit("fleet_delta", { rows, gone: [], cursor: `mock.${number}`, resumed: true });
    }
    sent = number;
    clearInterval(timer);
    timer = setInterval(
      () => {
        const rows = since(sent);
        sent = number;
        if (rows.length > 0)
          socket.emit("fleet_delta", { rows, gone: [], cursor: `mock.${number}` });
      },
      1000 / Math.min(Math.max(asked.hz ?? 4, 0.2), 4),
    );
  });
  socket.on("client_watch", ({ id }, answer) => {
    socket.join(`watch ${id}`);
    const host = hosts.find((of) => of.id === id);
    answer(host ? { history: host.old ? null : history(host) } : { error: "no such host" });
    socket.emit("web_client_update", latest.get(id));
  });
  socket.on("client_unwatch", ({ id }) => socket.leave(`watch ${id}`));
  socket.on("disconnect", () => clearInterval(timer));
});

// Silence is a change too: rows of those that turn stale or offline.
setInterval(() => {
  for (const host of hosts) {
    const { last } = host;
    const { state, rule = "", value = null, limit = null } = host.judge();
    if (state === last) continue;
    const turn = { id: host.id, from: last, to: state, rule, value, limit, since: host.since };
    log.unshift({ at: Date.now(), ...turn });
    log.splice(1000);
    io.emit("client_state", turn);
    touched(host);
  }
}, 1000);

http.listen(Number(values.port), "127.0.0.1", () => {
  console.log(`ready mock http://127.0.0.1:${http.address().port}`);
});
