// Fails when what a page loads first, or a part that it loads when needed, is larger than agreed
// (brotli): what `index.html` names, and all that these modules import at once; and each other chunk.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync } from "node:zlib";

const root = process.argv[2] ?? "dist";
const kilobyte = 1024;
const firstMost = 60 * kilobyte;
const partMost = 30 * kilobyte;

const size = (path) => brotliCompressSync(readFileSync(join(root, path))).length;
const page = readFileSync(join(root, "index.html"), "utf8");
const first = new Set(["index.html"]);
const queue = [...page.matchAll(/(?:src|href)="\/([^"]+)"/g)].map(([, path]) => path);

while (queue.length > 0) {
  const path = queue.pop();
  if (first.has(path)) continue;
  first.add(path);
  if (!path.endsWith(".js")) continue;
  const code = readFileSync(join(root, path), "utf8");
  // `import … from "./x.js"` and `import "./x.js"`; `import("./x.js")` is for later.
  for (const [, name] of code.matchAll(/\b(?:from|import)\s*"\.\/([^"]+)"/g)) {
    queue.push(`assets/${name}`);
  }
}

const parts = readdirSync(join(root, "assets"))
  .filter((name) => /\.(js|css)$/.test(name))
  .map((name) => `assets/${name}`)
  .filter((path) => !first.has(path));

const sum = [...first].reduce((total, path) => total + size(path), 0);
const shown = (bytes) => `${(bytes / kilobyte).toFixed(1)} KiB`;
let failed = sum > firstMost;
console.log(`first load ${shown(sum)} of ${shown(firstMost)} (brotli)`);
for (const path of parts) {
  const bytes = size(path);
  failed ||= bytes > partMost;
  console.log(`${path} ${shown(bytes)} of ${shown(partMost)}`);
}
if (failed) {
  console.error("larger than agreed");
  process.exitCode = 1;
}
