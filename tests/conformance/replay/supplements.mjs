// What a capture does not hold: the settings of its server, requests that the recorder did not
// show, commands given to the server by hand, and times that must not be undercut.

import { fileURLToPath } from "node:url";
import { pause } from "../lib/wait.mjs";

const PING = ["--ping-interval", "300ms", "--ping-timeout", "200ms"];
const SIZED = ["--sized-events", "on"];
const DEFLATE =
  "client offers permessage-deflate; server emits a small and a 1500-byte event, " +
  "then 1100 bytes with compress(false)";
const CLIENT_DIST = fileURLToPath(
  new URL("../node_modules/socket.io/client-dist", import.meta.url),
);
const RECORDED_PING = ["--ping-interval", "600ms", "--ping-timeout", "400ms"];

const OLD = ["--eio3", "on"];
const COMPRESSED = ["--compression", "on"];

const all = () => true;
const ofVersion2 = (note) => note.startsWith("2.x");

const unfinishedPost = (eio, begun) => async (replay, record) => {
  const { sid } = await replay.session(record);
  await replay.connect(
    28,
    `POST /socket.io/?EIO=${eio}&transport=polling&sid=${sid} HTTP/1.1\r\n` +
      `Content-Length: 10\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n${begun}`,
  );
  await pause(60); // as recorded: let it arrive
};

/** Flags by the beginning of a step's note. */
const policies = [
  ['4.x cors {origin:"*"}', ["--cors", "any"]],
  ['4.x cors {origin:"http://example.com"', ["--cors", "one"]],
  ["4.x cors {origin:[", ["--cors", "some"]],
  ["4.x cookie:true", ["--cookie", "plain"]],
  ["4.x cookie {", ["--cookie", "full"]],
  ["4.x allowRequest denies with a message", ["--refuse", "go away"]],
  ["4.x allowRequest denies without", ["--refuse", "-"]],
  ["4.x serveClient", ["--client-folder", CLIENT_DIST, "--client-version", "4.8.4"]],
  ["", []],
];

/**
 * By capture: `flags` of golden-server, `ownServers` (one for each step; `flagsOf` gives the flags
 * for the place of a step), `oneSession` (its steps stand and fall together), `eio` (revision of the
 * sessions that the recorder did not show being opened; 4), `older` (says of a step's note whether
 * socket.io 2 was recorded: older.mjs), `flagsFor` (flags by a step's note; steps in a row with the
 * same ones share a server),
 * `literalSids` that are sent as they are, `answeredBefore` (connection → the one whose answer is
 * awaited before it is opened: they raced in the recording), `policy` and `cutBodies` (see
 * `sameResponse`), `tickets` (names that the server makes up and the client gives back).
 *
 * By step: `flags`, `before` (connection → what to do first), `command` (at which note of the
 * application which line), `atLeast` (what must not come sooner after the step's first request,
 * in ms), `leastThought` (time between two messages of the client that the recorded server needs
 * to see them apart, in ms), `thinks` (the client waited between an answer and its next message).
 */
export const supplements = {
  "c-v4server-v4client-ws": { flags: RECORDED_PING, oneSession: true },
  "c-v4server-v4client-upgrade": { flags: RECORDED_PING, oneSession: true },
  "c-v4server-v4client-polling": {
    flags: RECORDED_PING,
    oneSession: true,
    answeredBefore: { 47: 46 },
  },
  "eio4-polling-payloads-v4server": { flags: ["--jsonp", "on", ...COMPRESSED] },
  "permessage-deflate": {
    ownServers: true,
    older: ofVersion2,
    steps: {
      [`2.x default (enabled, threshold 1024): ${DEFLATE}`]: {
        flags: [...SIZED, ...OLD, ...COMPRESSED, "--ping-timeout", "5s"],
      },
      [`4.x default (disabled): ${DEFLATE}`]: { flags: SIZED },
      [`4.x perMessageDeflate:true: ${DEFLATE}`]: { flags: [...SIZED, ...COMPRESSED] },
    },
  },
  "sio-parser-errors-v4server": {
    steps: { "DISCONNECT then event": { leastThought: 100 } },
  },
  "bad-requests-v4server": {
    flags: ["--max-payload", "10000"],
    literalSids: ["zzzzzzzzzzzzzzzzzzzz", "__proto__"],
    steps: {
      "duplicate POST: first POST still uploading (Content-Length 10, 2 bytes sent), second POST arrives":
        { before: { 29: once(unfinishedPost(4, "4h")) } },
    },
  },
  "cors-cookie-forbidden": {
    flagsFor: (note) => policies.find(([begin]) => note.startsWith(begin))[1],
    policy: true,
    cutBodies: true,
  },
  "connection-state-recovery": {
    flags: ["--recovery", "on"],
    oneSession: true,
    tickets: true,
    steps: {
      'server emits: io.emit("a",1), io.to("r1").emit("b",2), ack event, volatile event': {
        before: { 1: once((replay) => replay.command("recovery.emit")) },
      },
      "transport dies (client side engine.close simulates network loss); while away the server emits a,b to r1 and one to another room":
        { before: { 2: once((replay) => replay.command("recovery.missed")) } },
    },
  },
  "a-v2server-v2client-ws": {
    flags: [...RECORDED_PING, ...OLD, ...COMPRESSED],
    oneSession: true,
    older: all,
  },
  "a-v2server-v2client-upgrade": {
    flags: [...RECORDED_PING, ...OLD, ...COMPRESSED],
    oneSession: true,
    older: all,
  },
  "a-v2server-v2client-polling": {
    flags: [...RECORDED_PING, ...OLD],
    oneSession: true,
    older: all,
  },
  "b-v4server-eio3-v2client-ws": { flags: [...RECORDED_PING, ...OLD], oneSession: true, eio: 3 },
  "b-v4server-eio3-v2client-upgrade": {
    flags: [...RECORDED_PING, ...OLD],
    oneSession: true,
    eio: 3,
  },
  "b-v4server-eio3-v2client-polling": {
    flags: [...RECORDED_PING, ...OLD],
    oneSession: true,
    eio: 3,
  },
  "eio3-polling-payloads-v4server": { flags: [...OLD, "--jsonp", "on"], eio: 3 },
  "sio-parser-errors-v4server-eio3": {
    flags: OLD,
    eio: 3,
    steps: { "DISCONNECT then event": { leastThought: 100 } },
  },
  "bad-requests-v4server-eio3": {
    flags: [...OLD, "--max-payload", "10000"],
    eio: 3,
    literalSids: ["zzzzzzzzzzzzzzzzzzzz", "__proto__"],
    steps: {
      "duplicate POST: first POST still uploading (Content-Length 10, 2 bytes sent), second POST arrives":
        { before: { 29: once(unfinishedPost(3, "3:")) } },
    },
  },
  "root-namespace-rejection": {
    ownServers: true,
    older: ofVersion2,
    flagsOf: (step) => [
      ...OLD,
      ...["--root", step % 4 < 2 ? "accept" : "refuse"],
      ...(step < 8 ? [] : ["--ping-timeout", "5s"]), // the default of socket.io 2
    ],
  },
  timers: {
    ownServers: true,
    older: ofVersion2,
    steps: {
      "2.x ws ping timeout (interval 300 + timeout 200 without any packet)": {
        flags: [...PING, ...OLD],
        atLeast: { "7 ws-close": 500 },
      },
      "4.x allowEIO3 ws ping timeout": {
        flags: [...PING, ...OLD],
        atLeast: { "8 ws-close": 500 },
      },
      "4.x ws ping timeout: pingInterval 300, pingTimeout 200, client never answers": {
        flags: PING,
        atLeast: { "1 ws-close": 500 },
      },
      "4.x polling ping timeout: pending GET gets the ping, next GET is pending when the timeout fires":
        { flags: PING, atLeast: { "4 http-response": 500 } },
      "4.x ws: another packet while waiting for pong extends the timeout once (engine.io >= 6.6.x)": {
        flags: PING,
        thinks: true,
        atLeast: { "6 ws-close": 600 },
      },
      "4.x connectTimeout 300: no CONNECT packet": {
        flags: ["--connect-timeout", "300ms"],
        atLeast: { "9 ws-close": 300 },
      },
      "4.x connectTimeout 300 on polling": {
        flags: ["--connect-timeout", "300ms"],
        atLeast: { "11 http-response": 300 },
      },
      "4.x upgradeTimeout 300: websocket candidate never finishes": {
        flags: ["--upgrade-timeout", "300ms"],
        atLeast: { "14 ws-close": 300 },
      },
      "4.x io.close() with one ws client and one polling client with a pending GET": {
        command: { note: "server: disconnect server shutting down", line: "io.close" },
      },
      "4.x conn.close() (Engine.IO level) of a polling client without a pending GET: close packet on the next GET":
        { before: { 23: once((replay) => replay.command("conn.close")) } },
    },
  },
};

function once(act) {
  let done = false;
  return async (...args) => {
    if (done) return;
    done = true;
    await act(...args);
  };
}

/** The records of a step with the answers of raced connections moved ahead. */
export function ordered(records, answeredBefore = {}) {
  let result = records;
  for (const [later, earlier] of Object.entries(answeredBefore)) {
    const at = result.findIndex(({ dir, conn }) => dir === "c2s" && conn === Number(later));
    if (at < 0) continue;
    const moved = result.filter(({ dir, conn }, i) => i > at && dir === "s2c" && conn === earlier);
    const rest = result.filter((record) => !moved.includes(record));
    result = [...rest.slice(0, at), ...moved, ...rest.slice(at)];
  }
  return result;
}
