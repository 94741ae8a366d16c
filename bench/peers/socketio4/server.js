// socket.io 4 on ws, as it comes, for clients of Engine.IO 3 too. With a Redis, a node with @socket.io/redis-adapter, as it comes.
// Usage: node server.js [--redis redis://HOST:PORT] [--everyone] --listen 127.0.0.1:PORT (0: any)
"use strict";

const { createServer } = require("node:http");
const { parseArgs } = require("node:util");
const { Server } = require("socket.io");

const { values } = parseArgs({
    options: {
        listen: { type: "string", default: "127.0.0.1:0" },
        redis: { type: "string" },
        everyone: { type: "boolean", default: false },
    },
});
const [host, port] = values.listen.split(":");

const http = createServer();
const io = new Server(http, { serveClient: false, allowEIO3: true });

io.on("connection", (socket) => {
    socket.on("echo", (x, ack) => ack(x));
    socket.on("bcast", (x) => io.emit("bcast-out", x));
    // A fleet: consoles are told what agents send; with --everyone agents are, too.
    socket.on("web_connected", () => socket.join("consoles"));
    const told = values.everyone ? io : io.to("consoles");
    socket.on("client_healthcheck", (record) => told.emit("web_client_update", record));
});

// Loaded only when asked for, so that it costs the other benches nothing.
async function joinNodes(url) {
    const { createClient } = require("redis");
    const { createAdapter } = require("@socket.io/redis-adapter");
    const publisher = createClient({ url });
    const subscriber = publisher.duplicate();
    await Promise.all([publisher.connect(), subscriber.connect()]);
    io.adapter(createAdapter(publisher, subscriber));
}

async function main() {
    if (values.redis) await joinNodes(values.redis);
    http.listen(Number(port), host, () => {
        console.log(`ready socketio4 http://${host}:${http.address().port}`);
    });
}

main().catch((e) => {
    console.error(e);
    process.exit(1);
});

for (const signal of ["SIGINT", "SIGTERM"]) {
    process.on(signal, () => process.exit(0));
}
