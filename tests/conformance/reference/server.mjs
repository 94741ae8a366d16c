#!/usr/bin/env node
// conformance-server on the reference implementation: shows that the suite itself is right.

import { createServer } from "node:http";
import * as engine from "engine.io";
import { Server } from "socket.io";
import msgpack from "socket.io-msgpack-parser";
import { address, duration, exitOnSignal, listen, onOff, parse } from "./command_line.mjs";
import { register } from "./handlers.mjs";

const flags = parse(process.argv.slice(2), {
  "--listen": address,
  "--ping-interval": duration,
  "--ping-timeout": duration,
  "--max-payload": Number,
  "--eio3": onOff,
  "--threads": Number, // of which there is one
  "--compression": onOff,
  "--parser": String,
});

const parser = flags.parser === "msgpack" ? { parser: msgpack } : {};

const settings = {
  pingInterval: flags["ping-interval"] ?? 25_000,
  pingTimeout: flags["ping-timeout"] ?? 20_000,
  maxHttpBufferSize: flags["max-payload"] ?? 1_000_000,
  perMessageDeflate: flags.compression ?? false,
  httpCompression: flags.compression ?? false,
  cors: { origin: "*" },
  allowEIO3: flags.eio3 ?? false,
  destroyUpgrade: false,
};

const http = createServer((request, response) => response.writeHead(404).end());
register(new Server(http, { ...settings, connectTimeout: 1000, serveClient: false, ...parser }));

const echo = engine.attach(http, { ...settings, path: "/engine.io/" });
echo.on("connection", (socket) => socket.on("message", (data) => socket.send(data)));

exitOnSignal();
listen(http, "conformance-server", flags.listen);
