#!/usr/bin/env node
// golden-server on the reference implementation; golden/SERVER.md says what it has to do.

import { createServer } from "node:http";
import { createInterface } from "node:readline";
import * as engine from "engine.io";
import { Server } from "socket.io";
import { address, duration, exitOnSignal, listen, onOff, parse } from "./command_line.mjs";

const flags = parse(process.argv.slice(2), {
  "--listen": address,
  "--ping-interval": duration,
  "--ping-timeout": duration,
  "--connect-timeout": duration,
  "--upgrade-timeout": duration,
  "--max-payload": Number,
  "--eio3": onOff,
  "--jsonp": onOff, // always on here
  "--root": String,
  "--compression": onOff,
  "--sized-events": onOff,
  "--recovery": String,
  "--cors": String,
  "--cookie": String,
  "--refuse": String,
  "--client-folder": String, // it brings its own
  "--client-version": String,
});

const cors = {
  any: { origin: "*" },
  one: { origin: "http://example.com", credentials: true, allowedHeaders: ["x-foo"] },
  some: { origin: ["http://a.test", /example/], methods: ["GET", "POST"] },
};
const cookie = {
  plain: true,
  full: {
    name: "test",
    httpOnly: false,
    path: "/custom",
    sameSite: "none",
    secure: true,
    maxAge: 86_400,
  },
};

const settings = {
  pingInterval: flags["ping-interval"] ?? 25_000,
  pingTimeout: flags["ping-timeout"] ?? 20_000,
  upgradeTimeout: flags["upgrade-timeout"] ?? 10_000,
  maxHttpBufferSize: flags["max-payload"] ?? 1_000_000,
  perMessageDeflate: flags.compression ?? false,
  httpCompression: flags.compression ?? false,
  destroyUpgrade: false,
  allowEIO3: flags.eio3 ?? false,
};

const http = createServer((request, response) => {
  response.writeHead(404, { "Content-Length": "0" }).end();
});
const io = new Server(http, {
  ...settings,
  connectTimeout: flags["connect-timeout"] ?? 45_000,
  serveClient: Boolean(flags["client-folder"]),
  cors: cors[flags.cors],
  cookie: cookie[flags.cookie],
  connectionStateRecovery: flags.recovery && {},
  allowRequest:
    flags.refuse && ((request, done) => done(flags.refuse === "-" ? null : flags.refuse, false)),
});
const echo = engine.attach(http, { ...settings, path: "/engine.io/" });
echo.on("connection", (socket) => socket.on("message", (data) => socket.send(data)));

function common(socket) {
  // An ack handler among the arguments goes back out with them, as the recorded server did.
  socket.on("echo", (...args) => socket.emit("echo-back", ...args));
  socket.on("ack-me", (...args) => args.pop()(...args));
  socket.on("error", () => {}); // a client may send an event of this name
}

function refuse(message, data) {
  return (socket, next) => next(Object.assign(new Error(message), data && { data }));
}

io.on("connection", (socket) => {
  common(socket);
  if (flags["sized-events"]) {
    socket.emit("small", "x");
    socket.emit("big", "y".repeat(1500));
    socket.compress(false).emit("big", "z".repeat(1100));
  }
  socket.on("ask-server", () => socket.emit("server-asks", { q: 1 }, () => {}));
  socket.on("bcast", () => {
    io.emit("to-all", "x");
    socket.broadcast.emit("to-others", "y");
  });
  socket.on("kick-close", () => socket.disconnect(true));
});
if (flags.root) {
  const verdict = flags.root === "refuse" ? new Error("nope") : undefined;
  io.use((socket, next) => setTimeout(() => next(verdict), 40));
} else {
  io.of("/custom").on("connection", common);
}
io.of("/chat").on("connection", (socket) => {
  socket.emit("welcome", "chat");
  socket.on("bye", () => socket.disconnect());
});
io.of("/secret").use(refuse("not authorized", { code: "E_AUTH", detail: 42 }));
io.of("/secret2").use(refuse("plain message"));

let last;
if (flags.recovery) {
  io.on("connection", (socket) => {
    socket.join("r1");
    last = socket;
  });
}

const commands = {
  "recovery.emit": () => {
    io.emit("a", 1);
    io.to("r1").emit("b", 2);
    last.emit("with-ack", () => {});
    last.volatile.emit("volatile"); // a write is under way: dropped
  },
  "recovery.missed": () => {
    io.emit("a", "missed1");
    io.to("r1").emit("b", "missed2");
    io.to("other").emit("c", "of others");
  },
  "io.close": () => io.close(),
  "conn.close": () => Object.values(io.engine.clients).forEach((conn) => conn.close()),
};
createInterface({ input: process.stdin }).on("line", (line) => {
  commands[line]?.();
  process.stdout.write(`done ${line}\n`);
});

exitOnSignal();
listen(http, "golden-server", flags.listen);
