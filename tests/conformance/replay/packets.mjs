// The packets of a polling body, in either revision, each as the text it has there. Binary ones of
// revision 3 come out as `b4` and base64, whichever form the body has.

const SEPARATOR = "\x1e";
const BINARY_BODY = "application/octet-stream";

/** Packets of `body` (a Buffer) of that Content-Type; `revision` is 3 or 4. */
export function packetsOf(body, revision, type) {
  if (revision !== 3) return body.toString().split(SEPARATOR);
  return type === BINARY_BODY ? fromBytes(body) : fromText(body.toString());
}

function fromText(text) {
  const packets = [];
  for (let at = 0; at < text.length; ) {
    const colon = text.indexOf(":", at);
    const length = Number(text.slice(at, colon));
    if (colon < 0 || !(length > 0)) throw new Error(`no length at ${at} of ${text}`);
    packets.push(text.slice(colon + 1, colon + 1 + length));
    at = colon + 1 + length;
    if (at > text.length) throw new Error(`cut short: ${text}`);
  }
  return packets;
}

function fromBytes(body) {
  const packets = [];
  for (let at = 0; at < body.length; ) {
    const mark = body.indexOf(0xff, at);
    const length = Number([...body.subarray(at + 1, mark)].join(""));
    const packet = body.subarray(mark + 1, mark + 1 + length);
    if (mark < 0 || packet.length !== length) throw new Error(`cut short: ${body.toString("hex")}`);
    const isText = body[at] === 0;
    packets.push(isText ? packet.toString() : `b${packet[0]}${packet.toString("base64", 1)}`);
    at = mark + 1 + length;
  }
  return packets;
}
