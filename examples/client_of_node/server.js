// The Node server that client_of_node.cpp talks to.
//   npm install socket.io && node server.js [PORT]

const { Server } = require("socket.io");

const stock = new Map([["apples", 3], ["pears", 0]]);
const io = new Server(Number(process.argv[2] ?? 3000));

io.use((socket, next) => {
  const known = socket.handshake.auth.token === "open sesame";
  next(known ? undefined : new Error("wrong token"));
});

io.on("connection", (socket) => {
  socket.emit("welcome", { name: "the shop", stock: Object.fromEntries(stock) });

  socket.on("buy", async (what, ack) => {
    if (!stock.get(what)) return ack({ error: `no ${what} left` });
    // The server may ask back before it answers.
    const sure = await socket.timeout(5000).emitWithAck("sure?", what);
    if (!sure) return ack({ error: "then not" });
    stock.set(what, stock.get(what) - 1);
    io.emit("stock", what, stock.get(what));
    ack({ receipt: Buffer.from(`1 x ${what}`) });
  });
});

io.httpServer.on("listening", () => {
  console.log(`listening on http://localhost:${io.httpServer.address().port}`);
});
