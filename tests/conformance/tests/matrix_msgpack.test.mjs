import { isReference } from "../lib/launch.mjs";
import { matrix } from "../lib/matrix.mjs";

// What notepack, the client's msgpack, does not keep: whole numbers above 2^64, and that key.
const lost = ["echo of 1e21", "echo of the largest number", "echo of a key named __proto__"];

// What only the way through JSON makes of them.
const json = [
  "echo of not a number",
  "echo of infinity",
  "echo of undefined",
  "echo of an undefined member",
  "echo of a hole in an array",
  "echo of a date",
  "echo of an array buffer",
  "echo of a typed array",
];

matrix("socket.io-client 4 with msgpack", {
  more: ["--parser", "msgpack"],
  without: [...lost, ...(isReference() ? json : [])],
});
