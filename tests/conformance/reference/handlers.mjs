// What conformance-server does with Socket.IO events, written against the reference server.

function onConnection(socket) {
  const nsp = socket.nsp;
  socket.emit("auth", socket.handshake.auth ?? {});

  socket.on("message", (...args) => socket.emit("message-back", ...args));
  socket.on("message-with-ack", (...args) => {
    const ack = args.pop();
    ack(...args);
  });
  socket.on("echo", (x, ack) => ack(x));
  socket.on("whoami", (ack) => ack(socket.id));
  socket.on("handshake-query", (ack) => ack(socket.handshake.query));
  socket.on("ask", (v) => socket.emit("question", v, (...got) => socket.emit("answered", ...got)));

  socket.on("bcast", (...args) => nsp.emit("bcast-out", ...args));
  socket.on("bcast-others", (...args) => socket.broadcast.emit("others-out", ...args));
  socket.on("join", (room, ack) => {
    socket.join(room);
    ack?.();
  });
  socket.on("leave", (room, ack) => {
    socket.leave(room);
    ack?.();
  });
  socket.on("room-emit", (room, ...args) => nsp.to(room).emit("room-out", ...args));

  socket.on("big", (n) => socket.emit("big-back", "x".repeat(n)));
  socket.on("burst", (n) => {
    for (let i = 0; i < n; i++) socket.emit("burst-back", i);
  });

  socket.on("kick", () => socket.disconnect());
  socket.on("kick-conn", () => socket.disconnect(true));
  socket.on("drop-conn", () => socket.conn.close());
}

function refuse(message, data) {
  return (socket, next) => {
    const error = new Error(message);
    if (data !== undefined) error.data = data;
    next(error);
  };
}

/** Registers the namespaces of conformance-server on a socket.io server. */
export function register(io) {
  for (const name of ["/", "/custom"]) io.of(name).on("connection", onConnection);
  io.of("/denied").use(refuse("not authorized", { code: "E_DENIED" }));
  io.of("/denied-plain").use(refuse("plain refusal"));
}
