import { defineConfig } from "vitest/config";

// The page runs under `default-src 'self'`: nothing may be inlined as a data: address, and the
// build must not add an inline script.
const mock = "http://127.0.0.1:3000";

/**
 * Leaves out of the chart library the kinds of lines that no chart here draws: it registers all of
 * them, so that nothing drops them by itself. Throws when the library no longer does it so.
 */
function trimCharts() {
  const unused = /^\s*\(paths\.(stepped|bars|spline)\s*= \w+\);$/gm;
  return {
    name: "trim-charts",
    apply: "build" as const,
    transform(code: string, id: string): string | undefined {
      if (!id.endsWith("/uPlot.esm.js")) return undefined;
      if (code.match(unused)?.length !== 3) throw new Error("uPlot registers its lines otherwise");
      return code.replace(unused, "");
    },
  };
}

export default defineConfig({
  plugins: [trimCharts()],
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    sourcemap: false,
    // What scripts/budget.mjs counts by, and removes.
    manifest: true,
    reportCompressedSize: true,
  },
  server: {
    host: "127.0.0.1",
    port: 8082,
    proxy: {
      "/config.json": mock,
      "/socket.io": { target: mock, ws: true },
    },
  },
  test: {
    include: ["test/**/*.test.{ts,tsx}"],
    environment: "node",
    // Small machines: one worker started once beats one started for each file.
    pool: "threads",
    maxWorkers: 1,
    isolate: false,
    restoreMocks: true,
  },
});
