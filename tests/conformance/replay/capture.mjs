// A recorded exchange, read from golden/ and cut into its steps.

import { readFileSync } from "node:fs";

/** {meta, steps: [{note, records}]}. The records that come before the first step are dropped. */
export function load(name) {
  const file = new URL(`../golden/${name}.json`, import.meta.url);
  const [meta, ...records] = JSON.parse(readFileSync(file, "utf8"));
  const steps = [];
  for (const record of records) {
    if (record.kind === "step") steps.push({ note: record.note, records: [] });
    else steps.at(-1)?.records.push(record);
  }
  return { meta, steps };
}

/** The bytes of a recorded body or frame; what was cut is its last character repeated. */
export function bytesOf(record) {
  const bytes = record.hex ? Buffer.from(record.hex, "hex") : Buffer.from(record.text ?? "");
  if (!record.truncated) return bytes;
  return Buffer.concat([bytes, Buffer.alloc(record.len - bytes.length, bytes.at(-1))]);
}

/** Value of a header, whatever its case; undefined when it is absent. */
export function header(record, name) {
  return record.headers.find(([key]) => key.toLowerCase() === name)?.[1];
}

/** The `sid` in the target of a recorded request, or undefined. */
export function sidOf(record) {
  return /[?&]sid=([^& ]+)/.exec(record.line)?.[1];
}
