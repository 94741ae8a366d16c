// The long polls of one replayed session.
//
// A server may put more or fewer packets into one GET than the recorded one did; only their
// order is promised. So the packets of all GETs are one stream, matched against the recorded
// stream: what comes early waits in a queue (and the GET that would have fetched it is not
// sent), what is still missing is fetched by another GET. Pings that come where the recording
// has none are answered at once, and the recorded ping and pong are then skipped.

import assert from "node:assert/strict";
import { plainBody } from "../lib/inflate.mjs";
import { bytesOf, header } from "./capture.mjs";
import { sameHead, sameText } from "./compare.mjs";
import { packetsOf } from "./packets.mjs";

const PING = "2";
const NOOP = "6";
const CLOSE = "1";

export class Poll {
  #queue = [];
  #live = undefined; // the GET in flight
  #batched = false; // packets were grouped otherwise than recorded: noops prove nothing then
  #early = 0; // pings answered before the recording had them
  pongsToSkip = 0;

  /** `send(record)` opens a connection with that request; `ping()` says that one came. */
  constructor(send, ping, pong, revision = 4) {
    this.#revision = revision;
    this.#send = send;
    this.#ping = ping;
    this.#pong = pong;
  }
  #revision;
  #send;
  #ping;
  #pong;

  /** The recorded client sent this GET, whose recorded answer is `answer`. */
  async request(record, answer) {
    if (this.#live || this.#covers(this.#recorded(answer))) return;
    this.#live = await this.#send(record);
  }

  /** The recorded server answered it: everything in that answer must have come by now. */
  async answer(request, record, ends) {
    for (const wanted of this.#recorded(record)) await this.#match(wanted, request, record, ends);
    this.#batched = this.#queue.length > 0;
  }

  async #match(wanted, request, record, ends) {
    if (wanted === PING && this.#early > 0) {
      this.#early -= 1;
      this.pongsToSkip += 1;
      return;
    }
    for (;;) {
      if (this.#queue.length === 0) await this.#receive(request, record, ends);
      if (wanted === NOOP && this.#batched && this.#queue[0] !== NOOP) return;
      const got = this.#queue.shift();
      if (got === NOOP && this.#batched && wanted !== NOOP) continue;
      if (got === PING && wanted !== PING) {
        this.#ping();
        await this.#pong();
        this.#early += 1;
        continue;
      }
      if (got === PING) this.#ping();
      sameText(got, wanted, "packet");
      return;
    }
  }

  async #receive(request, record, ends) {
    this.#live ??= await this.#send(request);
    const raw = this.#live;
    this.#live = undefined;
    const answer = await raw.response();
    sameHead(answer, record);
    if (!answer.headers["transfer-encoding"]) {
      assert.equal(answer.headers["content-length"], String(answer.body.length), "content-length");
    }
    if (ends) await raw.end();
    raw.destroy();
    const type = answer.headers["content-type"];
    const body = plainBody(answer.body, answer.headers["content-encoding"]);
    const packets = packetsOf(body, this.#revision, type);
    if (packets.includes(CLOSE)) {
      // A client reads a close at once and messages a turn later: together they would be lost.
      const alone = packets.every((packet) => packet === CLOSE || packet === NOOP);
      assert.ok(alone, `a close packet among messages: ${JSON.stringify(packets)}`);
    }
    this.#queue.push(...packets);
  }

  #recorded(record) {
    const body = plainBody(bytesOf(record), header(record, "content-encoding"));
    return packetsOf(body, this.#revision, header(record, "content-type"));
  }

  #covers(wanted) {
    if (this.#queue.length === 0) return false;
    let at = 0;
    let early = this.#early;
    for (const packet of wanted) {
      if (packet === NOOP) continue;
      if (packet === PING && early > 0) early -= 1;
      else if (at < this.#queue.length) at += 1;
      else return false;
    }
    return true;
  }
}
