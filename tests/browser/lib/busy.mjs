// Work for one processor, for a while.

import { Worker } from "node:worker_threads";

/** Keeps one processor busy until the returned function is called, at most `seconds` long. */
export function keepProcessorBusy(seconds = 60) {
  const work = `const end = performance.now() + ${seconds * 1000}; while (performance.now() < end);`;
  const worker = new Worker(work, { eval: true });
  return () => worker.terminate();
}
