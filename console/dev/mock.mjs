// `npm run mock [-- --hosts 50 --port 3000 --faults --version 2]`: a node with a made-up fleet, and the
// built page at the same address. With --faults hosts fall silent, leave and come back; with
// --version 1 it speaks as original nodes do.

import { existsSync } from "node:fs";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Server } from "socket.io";
import { columns, FakeHost } from "./fleet.mjs";
import { pages } from "./pages.mjs";

const { values } = parseArgs({
  options: {
    hosts: { type: "string", default: "50" },
    port: { type: "string", default: "3000" },
    version: { type: "string", default: "2" },
    faults: { type: "boolean", default: false },
  },
});
const intervalMs = 2500;
const root = fileURLToPath(new URL("../dist", import.meta.url));
const config = { api_url: "", path: "/socket.io/", version: "mock" };
const handler = existsSync(root)
  ? pages(root, config)
  : (request, response) => {
      const known = request.url === "/config.json";
      response.writeHead(known ? 200 : 404, { "Content-Type": "application/json" });
      response.end(known ? JSON.stringify(config) : "");
    };
const http = createServer(handler);
const io = new Server(http);

const modern = values.version !== "1";
const latest = new Map();
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
    answer({ history: null });
    socket.emit("web_client_update", latest.get(id));
  });
  socket.on("client_unwatch", ({ id }) => socket.leave(`watch ${id}`));
  socket.on("disconnect", () => clearInterval(timer));
});

// Silence is a change too: rows of those that turn stale or offline.
setInterval(() => {
  for (const host of hosts) {
    const { last } = host;
    if (host.judge().state !== last) touched(host);
  }
}, 1000);

http.listen(Number(values.port), "127.0.0.1", () => {
  console.log(`ready mock http://127.0.0.1:${http.address().port}`);
});
