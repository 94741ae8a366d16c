import { defineConfig } from "vitest/config";

// The page runs under `default-src 'self'`: nothing may be inlined as a data: address, and the
// build must not add an inline script.
const mock = "http://127.0.0.1:3000";

export default defineConfig({
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    sourcemap: false,
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
