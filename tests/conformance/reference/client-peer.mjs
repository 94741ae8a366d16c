#!/usr/bin/env node
// The reference server for the mad client: conformance-server's handlers and, on top, what a
// client's rows need to be done to them. CLIENT.md lists both.

import { createServer } from "node:http";
import { createRequire } from "node:module";
import msgpack from "socket.io-msgpack-parser";
import { address, duration, exitOnSignal, listen, onOff, parse } from "./command_line.mjs";
import { register } from "./handlers.mjs";

const flags = parse(process.argv.slice(2), {
  "--listen": address,
  "--ping-interval": duration,
  "--ping-timeout": duration,
  "--max-payload": Number,
  "--compression": onOff,
  "--parser": String,
  "--server": String,
});

const parser = flags.parser === "msgpack" ? { parser: msgpack } : {};

/** Which server: 2, 3, 4, or 4-eio3, which takes clients of revision 3 too. */
const [release, eio3] = (flags.server ?? "4").split("-");
const require = createRequire(import.meta.url);
const library = require({ 2: "socket.io-2", 3: "socket.io-3", 4: "socket.io" }[release]);

const MUTE = "/mute/"; // requests below it are never answered

const http = createServer((request, response) => {
  if (!request.url.startsWith(MUTE)) response.writeHead(404).end();
});
http.on("upgrade", (request, stream) => {
  if (/^\/(socket\.io|mute)\//.test(request.url)) return;
  stream.end("HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
});
const connections = new Set();
http.on("connection", (stream) => {
  connections.add(stream);
  stream.on("close", () => connections.delete(stream));
});

const io = new (library.Server ?? library)(http, {
  pingInterval: flags["ping-interval"] ?? 25_000,
  pingTimeout: flags["ping-timeout"] ?? 20_000,
  // Only version 4 tells its clients, so that they can keep to it.
  maxHttpBufferSize: release === "4" ? (flags["max-payload"] ?? 1_000_000) : 1e8,
  allowEIO3: eio3 === "eio3",
  perMessageDeflate: flags.compression ?? false,
  httpCompression: flags.compression ?? false,
  connectTimeout: 1000,
  cors: { origin: "*" },
  serveClient: false,
  ...parser,
  destroyUpgrade: false,
});
register(io);

/** Ends the TCP connections of a session without a word. */
function cut({ transport }) {
  transport.socket?._socket?.destroy();
  transport.req?.socket.destroy();
  transport.dataReq?.socket.destroy();
}

/** The session says nothing any more: no packets, no pings, no close. */
function silence(conn) {
  clearTimeout(conn.pingIntervalTimer);
  clearTimeout(conn.pingTimeoutTimer);
  conn.sendPacket = () => {};
}

/** Nobody is here for a while: connections are cut and new ones refused. */
function away(ms) {
  const { port, address: host } = http.address();
  http.close();
  for (const stream of connections) stream.destroy();
  setTimeout(() => http.listen(port, host), ms);
}

function hooks(socket) {
  const { conn } = socket;
  socket.on("emit-back", (event, ...args) => socket.emit(event, ...args));
  socket.on("never-ack", () => {});
  socket.on("late-ack", (ms, x, ack) => setTimeout(() => ack(x), ms));
  socket.on("headers", (ack) => ack(socket.handshake.headers));
  socket.on("conn-id", (ack) => ack(conn.id));
  socket.on("transport", (ack) => ack(conn.transport.name));
  socket.on("raw", (text) => conn.write(text));
  socket.on("cut", () => cut(conn));
  socket.on("silence", () => silence(conn));
  socket.on("away", (ms) => away(ms));
}

for (const name of ["/", "/custom"]) io.of(name).on("connection", hooks);

io.of("/guarded").use((socket, next) => {
  const { auth, query } = socket.handshake;
  const token = auth?.token ?? query.token; // version 2 has no auth
  next(token === "open sesame" ? undefined : new Error("wrong token"));
});
io.of("/guarded").on("connection", (socket) => socket.on("echo", (x, ack) => ack(x)));

io.of("/slow").use((socket, next) => setTimeout(next, 100));
io.of("/slow").on("connection", (socket) => {
  socket.on("message", (...args) => socket.emit("message-back", ...args));
});

exitOnSignal();
listen(http, "client-peer", flags.listen);
