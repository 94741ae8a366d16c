// The clients of the matrix, what each of them can do, and the peers a row gets.

import msgpack from "socket.io-msgpack-parser";
import { Cable } from "./cable.mjs";
import { JavaScriptClient } from "./javascript_client.mjs";
import { PythonClient } from "./python_client.mjs";

/** What `transports` of the client makes the three columns of the matrix. */
export const columns = {
  polling: ["polling"],
  websocket: ["websocket"],
  upgrade: ["polling", "websocket"],
};

// What a row may need of a client that not every client has:
//   auth        data with the CONNECT packet, and authFunction: a function that gives it
//   nspQuery    a query of its own for a namespace
//   returns     is back by itself when the server drops the connection
//   buffers     events emitted without a connection go out with the next one
//   joins       namespaces can be joined and left while the connection is open
//   base64      the option forceBase64
//   volatile, timeouts, retries   as in the Socket.IO documents
//   javascript  values that JSON does not have
//   views       typed arrays are bytes
const javascript = ["returns", "buffers", "joins", "base64", "javascript"];
const old = [...javascript, "nspQuery"];
const modern = [...javascript, "auth", "authFunction", "volatile", "views"];

// python-socketio takes the close packet of a polling session for a disconnect by the server.
const python = (column) => (column === "polling" ? ["auth"] : ["auth", "returns"]);

/** name → {make, can(column)}. */
export const clients = {
  "socket.io-client 2.3": { make: () => new JavaScriptClient("2.3"), can: () => old },
  "socket.io-client 2.5": { make: () => new JavaScriptClient("2.5"), can: () => old },
  "socket.io-client 3.1": { make: () => new JavaScriptClient("3.1"), can: () => modern },
  "socket.io-client 4": {
    make: () => new JavaScriptClient("4"),
    can: () => [...modern, "timeouts", "retries"],
  },
  "python-socketio 5": { make: () => new PythonClient(), can: python },
};

/** The same for servers with another packet parser. */
export const packing = {
  "socket.io-client 4 with msgpack": {
    make: () => new JavaScriptClient("4", { parser: msgpack }),
    can: () => [...modern, "timeouts", "retries"],
  },
};

/** Peers of one client in one column against one server, all closed at the end of the row. */
export class Peers {
  #open = [];
  #cable;

  constructor(server, client, column) {
    this.server = server;
    this.client = client;
    this.column = column;
  }

  /** Revision of Engine.IO that the client speaks. */
  get revision() {
    return this.client.revision;
  }

  /** A peer on its way. Without options it neither reconnects nor shares a connection. */
  start(nsp = "/", options = {}) {
    return this.startTogether([nsp], options)[0];
  }

  /** Peers in several namespaces on one connection, on their way. */
  startTogether(nsps, options = {}) {
    const peers = this.client.open(this.server.url, nsps, columns[this.column], options);
    this.#open.push(...peers);
    return peers;
  }

  /** A connected peer; in the upgrade column after its upgrade. */
  async join(nsp = "/", options = {}) {
    return (await this.joinTogether([nsp], options))[0];
  }

  /** Connected peers on one connection. */
  async joinTogether(nsps = ["/", "/custom"], options = {}) {
    const peers = this.startTogether(nsps, options);
    for (const peer of peers) await peer.next("connect");
    await this.settled(peers[0]);
    return peers;
  }

  /** Another namespace over the connection of `peer`, on its way. */
  startBeside(peer, nsp, options = {}) {
    const other = this.client.openBeside(peer, nsp, options);
    this.#open.push(other);
    return other;
  }

  async beside(peer, nsp, options = {}) {
    const other = this.startBeside(peer, nsp, options);
    await other.next("connect");
    return other;
  }

  /** The server through a cable that can be cut: peers started from now on use it. */
  async throughCable() {
    this.#cable = await Cable.to(this.server);
    this.server = this.#cable;
    return this.#cable;
  }

  async settled(peer) {
    if (this.column === "upgrade") await peer.settled();
  }

  close() {
    for (const peer of this.#open.splice(0)) this.client.close(peer);
    this.#cable?.close();
  }
}
