// Holds what the build has become against what may be loaded, in bytes of brotli: at first, and for
// the page of one host besides. `dist/.vite/manifest.json` says which file needs which; it is removed
// afterwards, as nobody is to load it.
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants } from "node:zlib";

const root = process.argv[2] ?? "dist";
const kib = 1024;
const budgets = [
  { name: "first load", entry: "index.html", atMost: 60 * kib },
  { name: "page of a host", entry: "src/view/host/index.tsx", atMost: 30 * kib },
];

const manifest = JSON.parse(readFileSync(join(root, ".vite/manifest.json"), "utf8"));

/** Files that come with an entry; those that it loads later only with `later`. */
function filesOf(entry, later, seen = new Set()) {
  const chunk = manifest[entry];
  if (chunk === undefined) throw new Error(`the build has no ${entry}`);
  if (seen.has(chunk.file)) return seen;
  seen.add(chunk.file);
  for (const file of chunk.css ?? []) seen.add(file);
  const needs = [...(chunk.imports ?? []), ...(later ? (chunk.dynamicImports ?? []) : [])];
  for (const need of needs) filesOf(need, later, seen);
  return seen;
}

function packed(file) {
  const bytes = readFileSync(join(root, file));
  const params = { [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length };
  return brotliCompressSync(bytes, { params }).length;
}

const first = filesOf("index.html", false);
let over = false;
for (const { name, entry, atMost } of budgets) {
  const files =
    entry === "index.html"
      ? [...first, "index.html"]
      : [...filesOf(entry, true, new Set(first))].filter((file) => !first.has(file));
  const size = files.reduce((sum, file) => sum + packed(file), 0);
  over ||= size > atMost;
  const verdict = size > atMost ? "TOO MUCH" : "ok";
  console.log(`${name}: ${(size / kib).toFixed(1)} of ${atMost / kib} KiB brotli: ${verdict}`);
}
rmSync(join(root, ".vite"), { recursive: true });
if (over) process.exit(1);
