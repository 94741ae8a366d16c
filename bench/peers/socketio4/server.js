// socket.io 4 on ws, as it comes. Usage: node server.js --listen 127.0.0.1:PORT (0: any)
"use strict";

const { createServer } = require("node:http");
const { Server } = require("socket.io");

const [host, port] = (process.argv[3] ?? "127.0.0.1:0").split(":");

const http = createServer();
const io = new Server(http, { serveClient: false });

io.on("connection", (socket) => {
    socket.on("echo", (x, ack) => ack(x));
    socket.on("bcast", (x) => io.emit("bcast-out", x));
});

http.listen(Number(port), host, () => {
    console.log(`ready socketio4 http://${host}:${http.address().port}`);
});

for (const signal of ["SIGINT", "SIGTERM"]) {
    process.on(signal, () => process.exit(0));
}
