// The node of the original as one writes it against socket.io 2.3 and socket.io-redis 5.2: keeps
// each agent's record in Redis under the id of its connection, tells all consoles of all nodes what
// changes, and gives a new console everything that is kept.
//
//   REDIS_PORT=… PORT=… node node.mjs
//
// Prints `ready legacy-node http://127.0.0.1:PORT`.

import { createServer } from "node:http";
import { createClient } from "redis";
import Server from "socket.io-2";
import redisAdapter from "socket.io-redis-5";

const { PORT = "0", REDIS_PORT } = process.env;

const db = createClient({ url: `redis://127.0.0.1:${REDIS_PORT}` });
db.on("error", (error) => console.error(error.message));
await db.connect();

const web = createServer();
const io = new Server(web, { pingInterval: 1000, pingTimeout: 1000 });
io.adapter(redisAdapter({ host: "127.0.0.1", port: Number(REDIS_PORT) }));

io.on("connection", (socket) => {
  const key = `client_${socket.id}`;

  async function keep(client) {
    const record = { ...client, socketID: socket.id };
    await db.set(key, JSON.stringify(record));
    io.emit("web_client_update", record);
  }
  socket.on("client_connected", keep);
  socket.on("client_healthcheck", keep);

  socket.on("web_connected", async () => {
    const keys = await db.keys("client_*");
    const kept = keys.length ? await db.mGet(keys) : [];
    socket.emit("load_clients", kept.filter((text) => text !== null).map((text) => JSON.parse(text)));
  });

  socket.on("disconnect", async () => {
    const text = await db.get(key);
    if (text === null) return;
    await db.del(key);
    io.emit("web_client_disconnect", JSON.parse(text).id);
  });
});

web.listen(Number(PORT), "127.0.0.1", () => {
  console.log(`ready legacy-node http://127.0.0.1:${web.address().port}`);
});

process.on("SIGTERM", () => process.exit(0));
