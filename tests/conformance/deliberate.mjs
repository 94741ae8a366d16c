// Where mad answers otherwise than the reference server, and why. Against mad the other answer is
// demanded, against the reference itself only the recorded one counts.

const refusedUpgrade = {
  line: "HTTP/1.1 400 Bad Request",
  headers: [["Connection", "close"], ["Content-Type", "text/html"]],
  text: "Unsupported protocol version",
};

const unsupported = {
  line: "HTTP/1.1 400 Bad Request",
  headers: [["Connection", "close"], ["Content-Type", "application/json"]],
  text: '{"code":5,"message":"Unsupported protocol version"}',
};

const notFound = {
  line: "HTTP/1.1 404 Not Found",
  headers: [["Connection", "close"]],
  anyBody: true,
};

/** Differences that rows outside of the recordings ask for by name. */
export const behaviour = {
  refusedBefore101:
    "a websocket with an unsupported EIO is refused with 400 before the 101; the reference " +
    "answers 101 and then writes an HTTP answer into the websocket stream",
  closePacketOnWebsocket:
    "text frame `1` on a websocket ends the session at once; the reference ignores it and leaves " +
    "the session to its ping timeout",
  pingTimeoutEndsTcp:
    "on a ping timeout a bare close frame is followed by the end of the TCP connection in the " +
    "same turn; the reference waits up to 30 s for the peer's close frame",
  upgradeKeepsDeadline:
    "the deadline of an unanswered ping goes on across the upgrade; the reference forgets it there",
  oldHeartsAfterUpgrade:
    "a revision 3 client whose pings stop after its upgrade is left; the reference stops the timer " +
    "at the upgrade and never starts it again",
  exactAckIds:
    "ack ids are 64-bit integers and come back exact; the reference keeps them as doubles, which " +
    "round above 2^53",
  foreignPaths:
    "off the engine path the application answers, not the protocol: mad's 404 has a body of " +
    "its own",
  exactRevision:
    "EIO must be 3 or 4: a missing or other one gets code 5, where the reference with allowEIO3 " +
    "takes it for 3",
  scriptType:
    "JSONP answers are text/javascript with nosniff; the reference sends text/plain",
  forbiddenWebsocket:
    "a websocket refused by policy gets 403 as a poll does; the reference answers 400 there",
  foreignOrigin:
    "an origin that is not listed is not answered with the listed one: nothing names it; browsers " +
    "refuse both",
  limits:
    "packets over the limits of mad (64 arguments, 64 levels, 4096 members, names of 256 bytes, " +
    "ids of 64 bits, whole placeholder numbers) end the session; the reference has no such limits",
};

/**
 * Differences from the recordings, each in one step on one connection: `answer` (another HTTP
 * answer; the frames that followed it are left out), `contentType` (of the answer, all else the
 * same), `closes` (the server ends the session with a bare close frame where the recorded one
 * stayed), or `text` (another text frame).
 */
export const deliberate = [
  {
    capture: "bad-requests-v4server",
    step: "path without trailing slash",
    conn: 18,
    reason: behaviour.foreignPaths,
    answer: notFound,
  },
  {
    capture: "bad-requests-v4server",
    step: "unrelated path -> application 404",
    conn: 20,
    reason: behaviour.foreignPaths,
    answer: notFound,
  },
  {
    capture: "bad-requests-v4server",
    step: "WS upgrade: EIO=3",
    conn: 48,
    reason: behaviour.refusedBefore101,
    answer: refusedUpgrade,
  },
  {
    capture: "bad-requests-v4server",
    step: "WS upgrade: EIO missing",
    conn: 49,
    reason: behaviour.refusedBefore101,
    answer: refusedUpgrade,
  },
  {
    capture: "bad-requests-v4server",
    step: 'WS: Engine.IO close packet "1" from client',
    conn: 53,
    reason: behaviour.closePacketOnWebsocket,
    closes: true,
  },
  {
    capture: "bad-requests-v4server-eio3",
    step: "EIO missing",
    conn: 5,
    reason: behaviour.exactRevision,
    answer: unsupported,
  },
  {
    capture: "bad-requests-v4server-eio3",
    step: "EIO=5",
    conn: 8,
    reason: behaviour.exactRevision,
    answer: unsupported,
  },
  {
    capture: "bad-requests-v4server-eio3",
    step: "path without trailing slash",
    conn: 18,
    reason: behaviour.foreignPaths,
    answer: notFound,
  },
  {
    capture: "bad-requests-v4server-eio3",
    step: "unrelated path -> application 404",
    conn: 20,
    reason: behaviour.foreignPaths,
    answer: notFound,
  },
  {
    capture: "bad-requests-v4server-eio3",
    step: "WS upgrade: EIO missing",
    conn: 49,
    reason: behaviour.exactRevision,
    answer: refusedUpgrade,
  },
  {
    capture: "bad-requests-v4server-eio3",
    step: 'WS: Engine.IO close packet "1" from client',
    conn: 53,
    reason: behaviour.closePacketOnWebsocket,
    closes: true,
  },
  {
    capture: "sio-parser-errors-v4server-eio3",
    step: "ack id beyond 2^53",
    conn: 49,
    reason: behaviour.exactAckIds,
    recorded: "439007199254740992[1]",
    text: "439007199254740993[1]",
  },
  {
    capture: "eio4-polling-payloads-v4server",
    step: "JSONP also works with EIO=4",
    conn: 18,
    reason: behaviour.scriptType,
    contentType: "text/javascript; charset=UTF-8",
  },
  {
    capture: "eio3-polling-payloads-v4server",
    step: "JSONP handshake j=2",
    conn: 39,
    reason: behaviour.scriptType,
    contentType: "text/javascript; charset=UTF-8",
  },
  {
    capture: "eio3-polling-payloads-v4server",
    step: "JSONP GET",
    conn: 41,
    reason: behaviour.scriptType,
    contentType: "text/javascript; charset=UTF-8",
  },
  {
    capture: "sio-parser-errors-v4server",
    step: "ack id beyond 2^53",
    conn: 54,
    reason: behaviour.exactAckIds,
    recorded: "439007199254740992[1]",
    text: "439007199254740993[1]",
  },
  {
    capture: "cors-cookie-forbidden",
    step: "4.x allowRequest denies with a message: websocket",
    conn: 18,
    reason: behaviour.forbiddenWebsocket,
    answer: { ...refusedUpgrade, line: "HTTP/1.1 403 Forbidden", text: "go away" },
  },
  {
    capture: "cors-cookie-forbidden",
    step: "4.x allowRequest denies without a message: websocket",
    conn: 20,
    reason: behaviour.forbiddenWebsocket,
    answer: { ...refusedUpgrade, line: "HTTP/1.1 403 Forbidden", text: "Forbidden" },
  },
  {
    capture: "cors-cookie-forbidden",
    step: '4.x cors {origin:"http://example.com", credentials:true, allowedHeaders:["x-foo"]}: GET other origin',
    conn: 7,
    reason: behaviour.foreignOrigin,
    answer: {
      line: "HTTP/1.1 200 OK",
      headers: [["Vary", "Origin"]],
      text:
        '0{"sid":"oA1whnwU-_UmAG-rAAAI","upgrades":["websocket"],"pingInterval":25000,' +
        '"pingTimeout":20000,"maxPayload":1000000}',
    },
  },
];

/** What an opening server says, and one that can recover: session `n`. */
export const opening = '0{"sid":"abc","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}';
const joined = (n) => `40{"sid":"sid-${n}","pid":"pid-${n}"}`;
const long = "o".repeat(300);

/**
 * Where mad's client does otherwise than the reference client. `connections`: what the server says
 * on each, behind the first packet of the client; between two it drops the connection. Then `says`
 * of the last one: what each client sends, the first packet and what came after it, or (`field`) a
 * field of its request. Rows of `client_differences.test.mjs`, which asks both.
 */
export const clientDifferences = [
  {
    name: "an offset of another session",
    reason:
      "an offset is forgotten with the session it belongs to; the reference offers it beside the " +
      "pid of the next one, where it can only be refused",
    connections: [
      [joined(1), '42["x","offset-1"]'],
      [joined(2), '42["x",1]'],
      [],
    ],
    reference: ['40{"pid":"pid-2","offset":"offset-1"}'],
    mad: ['40{"pid":"pid-2"}'],
  },
  {
    name: "an event without arguments",
    reason:
      "the name of an event is no offset; the reference takes the last string of the packet, and " +
      "that is the name when no argument follows (a volatile event carries no offset)",
    connections: [[joined(1), '42["x","offset-1"]', '42["volatile"]'], []],
    reference: ['40{"pid":"pid-1","offset":"volatile"}'],
    mad: ['40{"pid":"pid-1","offset":"offset-1"}'],
  },
  {
    name: "a long last argument",
    reason:
      "a string above 256 bytes is not taken for an offset: it is text of the application, which " +
      "would go back with each CONNECT",
    connections: [[joined(1), '42["x","offset-1"]', `42["x","${long}"]`], []],
    reference: [`40{"pid":"pid-1","offset":"${long}"}`],
    mad: ['40{"pid":"pid-1","offset":"offset-1"}'],
  },
  {
    name: "an ack id beyond 2^53",
    reason: behaviour.exactAckIds,
    connections: [[joined(1), '429007199254740993["ask"]']],
    reference: ["40", "439007199254740992[]"],
    mad: ["40", "439007199254740993[]"],
  },
  {
    name: "compression",
    reason:
      "permessage-deflate is offered when settings say so; the reference offers it on Node, and " +
      "its server does not take it by default",
    connections: [[joined(1)]],
    field: "sec-websocket-extensions",
    reference: "permessage-deflate; client_max_window_bits",
    mad: undefined,
  },
];

/** Recorded steps that are not replayed yet: RegExp on the step's note, and the reason. */
export const leftOut = [
  {
    capture: "cors-cookie-forbidden",
    note: /^2\.x/,
    reason: "what a 2.x server does by default; mad answers older clients as a 4.x server does",
  },
];

/** The lookup that a replay asks: (step, conn) → difference. None against the reference. */
export function differences(capture, isReference) {
  const here = isReference ? [] : deliberate.filter((entry) => entry.capture === capture);
  return (step, conn) => here.find((entry) => entry.step === step && entry.conn === conn);
}
