// The agent of the original as one writes it against socket.io-client 2: tells its node how full
// the disk is and how busy the network, and says goodbye when it is asked to stop.
//
//   API_URL=http://… CLIENT_ID=… [INTERVAL=2500] [TRANSPORTS=websocket,polling] node agent.mjs
//
// Prints each sample it has sent as a line of JSON.

import io from "socket.io-client-2.3";

const { API_URL, CLIENT_ID, INTERVAL = "2500", TRANSPORTS } = process.env;

const socket = io(API_URL, {
  reconnectionDelay: 50,
  reconnectionDelayMax: 200,
  ...(TRANSPORTS && { transports: TRANSPORTS.split(",") }),
});

function sample() {
  const percent = Math.round(Math.random() * 1000) / 10;
  return { storage: percent, network: Math.random() * 100 };
}

function tell(event) {
  const client = { id: CLIENT_ID, health: sample() };
  socket.emit(event, client);
  console.log(JSON.stringify(client));
}

// Once, not at every connection: after an interruption only samples follow.
let timer;
socket.once("connect", () => {
  tell("client_connected");
  timer = setInterval(() => socket.connected && tell("client_healthcheck"), Number(INTERVAL));
});

process.on("SIGTERM", () => {
  socket.emit("client_disconnected", { id: CLIENT_ID });
  clearInterval(timer);
  socket.close(); // and nothing is left to wait for
});
