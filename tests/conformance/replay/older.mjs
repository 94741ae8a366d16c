// A recording of socket.io 2 as socket.io 4 with allowEIO3 would have answered it: what the two
// agree on stays as it is, and three things that they do not are written anew.
//
// - The open packet announces maxPayload.
// - An unknown namespace is refused with an object, not with a string.
// - `40` for the root comes with a GET of its own, not in the answer to a polling handshake.

import { bytesOf, header, sidOf } from "./capture.mjs";
import { packetsOf } from "./packets.mjs";

/** The steps of a capture, those whose note `applies` to rewritten. */
export function asVersion4(steps, applies) {
  const requests = steps
    .flatMap(({ records }) => records)
    .filter(({ kind }) => kind === "http-request");
  return steps.map(({ note, records }) => ({
    note,
    records: applies(note) ? records.flatMap((record) => rewritten(record, requests)) : records,
  }));
}

function rewritten(record, requests) {
  if (record.dir !== "s2c") return [record];
  if (record.kind === "ws-text" && record.rsv1) return [record];
  if (record.kind === "ws-text") return [{ ...record, text: packet(record.text) }];
  const request = requests.find(({ conn }) => conn === record.conn);
  if (record.kind !== "http-response" || !isPoll(request, record)) return [record];
  const packets = packetsOf(bytesOf(record), 3, header(record, "content-type")).map(packet);
  if (sidOf(request) || packets.length === 1) return [withPackets(record, packets)];
  // A GET that the recorded client did not need, between the handshake and its first one.
  const [open, ...rest] = packets;
  const { sid } = JSON.parse(open.slice(1));
  const conn = -record.conn;
  const first = requests.find((one) => isGet(one) && sidOf(one) === sid);
  return [
    withPackets(record, [open]),
    { ...first, conn, t: record.t },
    withPackets({ ...record, conn }, rest),
  ];
}

function packet(text) {
  if (text.startsWith("0{")) return text.replace(/}$/, ',"maxPayload":1000000}');
  return text.replace(/^(44[^,]*,)("Invalid namespace")$/, '$1{"message":$2}');
}

function isGet({ line }) {
  return line.startsWith("GET") && line.includes("transport=polling");
}

function isPoll(request, record) {
  return (
    isGet(request) &&
    record.line.includes(" 200 ") &&
    header(record, "content-type").startsWith("text/plain")
  );
}

function withPackets(record, all) {
  const text = all.map((one) => `${one.length}:${one}`).join("");
  return { ...record, text, hex: undefined, len: Buffer.byteLength(text) };
}
