// The console of the original without its looks: a table of clients, kept the way its page did,
// with socket.io-client 2. It adds by socketID, updates by id, removes by id, and says
// `web_connected` once, not at every connection.
//
//   API_URL=http://… [ORIGIN=http://…] [TRANSPORTS=polling] node console.mjs
//
// Prints a line of JSON for each event: {event, payload, table}.

import io from "socket.io-client-2.3";

const { API_URL, ORIGIN, TRANSPORTS } = process.env;

const socket = io(API_URL, {
  reconnectionDelay: 50,
  reconnectionDelayMax: 200,
  ...(ORIGIN && { extraHeaders: { Origin: ORIGIN } }),
  ...(TRANSPORTS && { transports: TRANSPORTS.split(",") }),
});

let table = [];

function show(event, payload) {
  console.log(JSON.stringify({ event, payload, table }));
}

socket.emit("web_connected");

for (const event of ["connect", "disconnect", "error"]) {
  socket.on(event, (payload) => show(event, payload));
}

socket.on("load_clients", (clients) => {
  table = clients;
  show("load_clients", clients);
});

socket.on("web_client_update", (client) => {
  const known = table.some(({ socketID }) => socketID === client.socketID);
  if (known) table = table.map((row) => (row.id === client.id ? client : row));
  else table = [...table, client];
  show("web_client_update", client);
});

socket.on("web_client_disconnect", (id) => {
  table = table.filter((row) => row.id !== id);
  show("web_client_disconnect", id);
});

process.on("SIGTERM", () => process.exit(0));
