// Compressed bodies and messages, read by zlib.

import { constants, gunzipSync, inflateRawSync, inflateSync } from "node:zlib";

/** A body without its Content-Encoding. */
export function plainBody(bytes, coding) {
  if (coding === "gzip") return gunzipSync(bytes);
  if (coding === "deflate") return inflateSync(bytes);
  return bytes;
}

const TAIL = Buffer.from([0, 0, 255, 255]);

/** The messages of one direction of a websocket (RFC 7692); one may refer to those before. */
export class Inflater {
  #past = Buffer.alloc(0);

  read(payload) {
    const text = inflateRawSync(Buffer.concat([payload, TAIL]), {
      finishFlush: constants.Z_SYNC_FLUSH,
      ...(this.#past.length > 0 && { dictionary: this.#past }),
    });
    this.#past = Buffer.concat([this.#past, text]).subarray(-32768);
    return text;
  }
}
