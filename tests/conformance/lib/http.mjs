// Plain requests, one connection each, and the query strings of the engine.

import { Raw } from "./raw.mjs";

export const SEPARATOR = "\x1e";

/** Sends one request and gives {status, headers, body, text}. */
export async function request(server, target, options = {}) {
  const { method = "GET", headers = {}, body, ms } = options;
  const raw = await Raw.open(server);
  try {
    raw.write(compose(server, target, { method, headers, body }));
    const answer = await raw.response(method, ms);
    return { ...answer, text: answer.body.toString() };
  } finally {
    raw.destroy();
  }
}

/** The bytes of a request; `Connection: close` unless a header says otherwise. */
export function compose(server, target, { method = "GET", headers = {}, body } = {}) {
  const fields = { Host: `${server.host}:${server.port}`, Connection: "close", ...headers };
  if (body !== undefined && !("Transfer-Encoding" in fields)) {
    fields["Content-Length"] = Buffer.byteLength(body);
  }
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = Buffer.from(`${method} ${target} HTTP/1.1\r\n${lines.join("")}\r\n`, "latin1");
  return body === undefined ? head : Buffer.concat([head, Buffer.from(body)]);
}

/** Headers of a websocket handshake. */
export const upgradeHeaders = {
  Connection: "Upgrade",
  Upgrade: "websocket",
  "Sec-WebSocket-Version": "13",
  "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
};

/** `/engine.io/?EIO=4&transport=polling` and more parameters. */
export function target(path, transport, more = {}) {
  return `${path}?${new URLSearchParams({ EIO: "4", transport, ...more })}`;
}
