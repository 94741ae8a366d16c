// One TCP connection whose bytes are read by hand: HTTP answers, then WebSocket frames.

import { connect } from "node:net";
import * as frames from "./frames.mjs";
import { quietFor, within } from "./wait.mjs";

export class Raw {
  #socket;
  #bytes = Buffer.alloc(0);
  #wake = () => {};
  ended = false;

  constructor(socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on("data", (chunk) => {
      this.#bytes = this.#bytes.length ? Buffer.concat([this.#bytes, chunk]) : chunk;
      this.#wake();
    });
    for (const event of ["end", "close", "error"]) {
      socket.on(event, () => {
        this.ended = true;
        this.#wake();
      });
    }
  }

  /** `from`: the address to come from. */
  static async open({ host, port, from }) {
    const socket = connect({ host, port, localAddress: from, allowHalfOpen: true });
    await within(
      new Promise((resolve, reject) => socket.once("connect", resolve).once("error", reject)),
      "connection",
    );
    return new Raw(socket);
  }

  write(bytes) {
    if (!this.#socket.destroyed && this.#socket.writable) this.#socket.write(bytes);
    return this;
  }

  /** Writes and waits until the kernel has taken it all. */
  async flush(bytes) {
    if (!this.#socket.write(bytes)) {
      await within(new Promise((resolve) => this.#socket.once("drain", resolve)), "drain");
    }
  }

  get unread() {
    return this.#bytes;
  }

  /** Waits until `look(bytes, ended)` gives a value with a `size`, takes that many bytes. */
  async read(look, what, ms) {
    const found = await within(
      new Promise((resolve, reject) => {
        this.#wake = () => {
          try {
            const value = look(this.#bytes, this.ended);
            if (value !== undefined) resolve(value);
            else if (this.ended) reject(new Error(`connection ended before ${what}`));
          } catch (error) {
            reject(error);
          }
        };
        this.#wake();
      }),
      what,
      ms,
    );
    this.#bytes = this.#bytes.subarray(found.size);
    return found;
  }

  /** One HTTP answer; `method` HEAD has no body. */
  response(method = "GET", ms = undefined) {
    return this.read((bytes, ended) => parseResponse(bytes, ended, method), "HTTP answer", ms);
  }

  frame(ms) {
    return this.read((bytes) => frames.decode(bytes), "websocket frame", ms);
  }

  /** Waits for the other side to end the connection. */
  async end(ms) {
    const look = (bytes, ended) => (ended ? { size: 0 } : undefined);
    await this.read(look, "end of the connection", ms);
  }

  /** Shows that nothing comes and nobody hangs up, for `ms`. */
  async quiet(ms) {
    let value;
    const event = new Promise((resolve) => {
      this.#wake = () => {
        if (this.#bytes.length) value = `bytes ${JSON.stringify(this.#bytes.toString("latin1"))}`;
        else if (this.ended) value = "end of the connection";
        if (value) resolve(value);
      };
      this.#wake();
    });
    await quietFor(event, "on the wire", ms);
  }

  /** Ends our half only. */
  half() {
    this.#socket.end();
  }

  destroy() {
    this.#socket.destroy();
    this.ended = true;
  }

  reset() {
    this.#socket.resetAndDestroy();
    this.ended = true;
  }
}

function parseResponse(bytes, ended, method) {
  const head = bytes.indexOf("\r\n\r\n");
  if (head < 0) return undefined;
  const [line, ...fields] = bytes.subarray(0, head).toString("latin1").split("\r\n");
  const headers = {};
  for (const field of fields) {
    const colon = field.indexOf(":");
    const name = field.slice(0, colon).toLowerCase();
    const value = field.slice(colon + 1).trim();
    headers[name] = name in headers ? `${headers[name]}, ${value}` : value;
  }
  const status = Number(line.split(" ")[1]);
  const answer = { line, status, headers, size: head + 4, body: Buffer.alloc(0) };
  if (method === "HEAD" || status === 101 || status === 204 || status === 304) return answer;
  if (/chunked/i.test(headers["transfer-encoding"] ?? "")) return dechunk(answer, bytes);
  if ("content-length" in headers) {
    const size = head + 4 + Number(headers["content-length"]);
    if (bytes.length < size) return undefined;
    return { ...answer, size, body: Buffer.from(bytes.subarray(head + 4, size)) };
  }
  if (!ended) return undefined;
  return { ...answer, size: bytes.length, body: Buffer.from(bytes.subarray(head + 4)) };
}

function dechunk(answer, bytes) {
  const parts = [];
  let at = answer.size;
  for (;;) {
    const eol = bytes.indexOf("\r\n", at);
    if (eol < 0) return undefined;
    const length = parseInt(bytes.subarray(at, eol).toString("latin1"), 16);
    const end = eol + 2 + length + 2;
    if (bytes.length < end) return undefined;
    parts.push(Buffer.from(bytes.subarray(eol + 2, end - 2)));
    at = end;
    if (length === 0) return { ...answer, size: at, body: Buffer.concat(parts) };
  }
}
