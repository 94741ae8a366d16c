#!/usr/bin/env node
// A node of the reference implementation among others: what cluster.hpp does, on the packages of
// npm. `--adapter` is classic, sharded, streams (socket.io 4), v3 (socket.io 3.1 with
// socket.io-redis 6.1) or v2 (socket.io 2.3 with socket.io-redis 5.2).

import { createServer } from "node:http";
import { createRequire } from "node:module";
import { address, duration, exitOnSignal, listen, onOff, parse } from "./command_line.mjs";
import { register } from "./handlers.mjs";

const require = createRequire(import.meta.url);
const flags = parse(process.argv.slice(2), {
  "--listen": address,
  "--redis": String,
  "--adapter": String,
  "--recovery": onOff,
  "--specific": onOff,
  "--prefix": String,
  "--ping-interval": duration,
});
const http = createServer((request, response) => response.writeHead(404).end());

/** Who is meant, of an operator that has `to` and, from release 4 on, `except`. */
function meant(io, options) {
  let op = io;
  for (const room of options.rooms ?? []) op = op.to(room);
  if (options.except?.length) op = op.except(options.except);
  if (options.volatile) op = op.volatile;
  if (options.compress === false) op = op.compress(false);
  if (options.local) op = op.local;
  return op;
}

function answer(error, values) {
  return { error: error ? error.message : null, values };
}

function register4(io) {
  const nsp = io.of("/");
  nsp.on("sse", (...args) => {
    const reply = typeof args.at(-1) === "function" ? args.pop() : undefined;
    nsp.local.emit("sse-heard", ...args);
    reply?.(`heard ${args[0]}`);
  });
  nsp.on("silent", () => {});
  nsp.on("connection", (socket) => {
    socket.on("x-data", (data, ack) => {
      socket.data = data;
      ack();
    });
    socket.on("x-emit", (options, event, ...rest) => {
      const ack = rest.pop();
      meant(nsp, options).emit(event, ...rest);
      ack();
    });
    socket.on("x-others", (options, event, ...rest) => {
      const ack = rest.pop();
      socket.broadcast.emit(event, ...rest);
      ack();
    });
    socket.on("x-ask", (options, ack) =>
      meant(nsp, options)
        .timeout(options.timeout ?? 1000)
        .emit("question", 1, (error, values) => ack(answer(error, values))),
    );
    socket.on("x-fetch", async (options, ack) => {
      try {
        const all = await meant(nsp, options).fetchSockets();
        const sockets = all.map(({ id, rooms, data, handshake }) => {
          return { id, rooms: [...rooms], data, handshake };
        });
        ack({ sockets });
      } catch (error) {
        ack({ error: error.message });
      }
    });
    socket.on("x-rooms", async (ack) => {
      try {
        ack({ rooms: [...(await nsp.adapter.allRooms())] });
      } catch (error) {
        ack({ error: error.message });
      }
    });
    socket.on("x-join", (options, rooms, ack) => {
      meant(nsp, options).socketsJoin(rooms);
      ack();
    });
    socket.on("x-leave", (options, rooms, ack) => {
      meant(nsp, options).socketsLeave(rooms);
      ack();
    });
    socket.on("x-disconnect", (options, close, ack) => {
      ack();
      meant(nsp, options).disconnectSockets(close);
    });
    socket.on("x-sse", (options, event, ...rest) => {
      const ack = rest.pop();
      nsp.serverSideEmit(event, ...rest);
      ack();
    });
    socket.on("x-sse-ack", (options, event, ...rest) => {
      const ack = rest.pop();
      nsp.serverSideEmit(event, ...rest, (error, values) => ack(answer(error, values)));
    });
  });
}

function register2(io) {
  const nsp = io.of("/");
  nsp.adapter.customHook = (data, done) => {
    nsp.local.emit("sse-heard", data);
    done(`v2 heard ${data?.[1]}`); // none: another request of later releases, by the same number
  };
  const told = (ack, key) => (error, found) =>
    ack(error ? { error: error.message } : { [key]: found });
  nsp.on("connection", (socket) => {
    socket.on("x-emit", (options, event, ...rest) => {
      const ack = rest.pop();
      meant(nsp, options).emit(event, ...rest);
      ack();
    });
    socket.on("x-others", (options, event, ...rest) => {
      const ack = rest.pop();
      socket.broadcast.emit(event, ...rest);
      ack();
    });
    socket.on("x-clients", (rooms, ack) => nsp.adapter.clients(rooms, told(ack, "clients")));
    socket.on("x-client-rooms", (id, ack) => nsp.adapter.clientRooms(id, told(ack, "rooms")));
    socket.on("x-rooms", (ack) => nsp.adapter.allRooms(told(ack, "rooms")));
    socket.on("x-remote-join", (id, room, ack) => nsp.adapter.remoteJoin(id, room, told(ack)));
    socket.on("x-remote-leave", (id, room, ack) => nsp.adapter.remoteLeave(id, room, told(ack)));
    socket.on("x-remote-end", (id, ack) => nsp.adapter.remoteDisconnect(id, true, told(ack)));
    socket.on("x-custom", (data, ack) => nsp.adapter.customRequest(data, told(ack, "values")));
  });
}

async function connected(url) {
  const { createClient } = await import("redis");
  const client = createClient({ url });
  client.on("error", () => {});
  await client.connect();
  return client;
}

const key = flags.prefix ?? "socket.io";
if (flags.adapter === "v2") {
  const { hostname, port } = new URL(flags.redis);
  const io = require("socket.io-2")(http, { serveClient: false });
  io.adapter(require("socket.io-redis-5")({ host: hostname, port: Number(port), key }));
  register2(io);
  register(io);
} else if (flags.adapter === "v3") {
  const { Server } = require("socket.io-3");
  const io = new Server(http, { serveClient: false, allowEIO3: true });
  io.adapter(require("socket.io-redis-6").createAdapter(flags.redis, { key }));
  io.of("/").on("connection", (socket) => {
    socket.on("x-emit", (options, event, ...rest) => {
      const ack = rest.pop();
      meant(io.of("/"), options).emit(event, ...rest);
      ack();
    });
  });
  register(io);
} else {
  const { Server } = await import("socket.io");
  const pub = await connected(flags.redis);
  const settings = { serveClient: false, allowEIO3: true };
  if (flags["ping-interval"]) settings.pingInterval = flags["ping-interval"];
  if (flags.recovery) settings.connectionStateRecovery = {};
  const io = new Server(http, settings);
  if (flags.adapter === "streams") {
    const { createAdapter } = await import("@socket.io/redis-streams-adapter");
    io.adapter(createAdapter(pub));
  } else {
    const { createAdapter, createShardedAdapter } = await import("@socket.io/redis-adapter");
    const sub = await connected(flags.redis);
    const options = { key, publishOnSpecificResponseChannel: flags.specific ?? false };
    io.adapter(
      flags.adapter === "sharded" ? createShardedAdapter(pub, sub) : createAdapter(pub, sub, options),
    );
  }
  register4(io);
  register(io);
}

exitOnSignal();
listen(http, "cluster-node", flags.listen);
