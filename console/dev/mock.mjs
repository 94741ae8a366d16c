// `npm run mock [-- --hosts 50 --port 3000 --faults]`: a node with a made-up fleet, and the built page
// at the same address. With --faults hosts fall silent, leave and come back.

import { existsSync } from "node:fs";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Server } from "socket.io";
import { FakeHost } from "./fleet.mjs";
import { pages } from "./pages.mjs";

const { values } = parseArgs({
  options: {
    hosts: { type: "string", default: "50" },
    port: { type: "string", default: "3000" },
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

const latest = new Map();
let made = 0;

function report(host) {
  if (host.silent) return;
  const record = host.sample();
  latest.set(host.id, record);
  io.emit("web_client_update", record);
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
  latest.delete(host.id);
  io.emit("web_client_disconnect", host.id);
}

const hosts = Array.from({ length: Number(values.hosts) }, () => start(made++));

if (values.faults) {
  setInterval(() => {
    const at = Math.floor(Math.random() * hosts.length);
    if (Math.random() < 0.5) {
      hosts[at].silent = !hosts[at].silent;
    } else {
      stop(hosts[at]);
      hosts[at] = start(made++);
    }
  }, 4000);
}

io.on("connection", (socket) => {
  socket.on("web_connected", () => socket.emit("load_clients", [...latest.values()]));
});

http.listen(Number(values.port), "127.0.0.1", () => {
  console.log(`ready mock http://127.0.0.1:${http.address().port}`);
});
