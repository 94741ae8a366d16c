import { describe, expect, it } from "vitest";
import { readSample } from "../../src/model/sample";

const whole = {
  id: "web-042",
  v: 2,
  run: "9f3c1a7e",
  seq: 1842,
  ts: 1764000000123,
  interval_ms: 2500,
  info: {
    host: "web-042",
    os: "Debian 12",
    kernel: "6.1.0",
    arch: "x86_64",
    cpus: 4,
    mem: 16777216000,
    agent: "1.0.0",
    scope: "host",
    boot: 1763135787,
    region: "eu-west-3",
    tags: ["prod", "role:web"],
  },
  health: {
    storage: 37.4,
    network: 1.844,
    cpu: { pct: 12.3, user: 8.1, sys: 3.2, iowait: 0.6, steal: 0.4, cores: [10, null, 12, 13] },
    load: [0.42, 0.51, 0.47],
    mem: {
      total: 16777216000,
      avail: 12450000000,
      pct: 25.8,
      swap_total: 2147483648,
      swap_used: 0,
    },
    psi: { cpu: [0.4], mem: [0.0, 0.0], io: [1.2, 0.3] },
    psi60: { cpu: [0.5] },
    disk: [
      { m: "/", fs: "ext4", size: 51200000000, avail: 3205120, pct: 37.4, ipct: 4.1, ro: true },
    ],
    disk_more: 3,
    io: { rd: 102400, wr: 409600, rops: 12, wops: 40, util: 3.1, queue: 0.1, r_await_ms: 0.5 },
    net: {
      rx: 184320,
      tx: 46180,
      err: 0,
      drop: 1,
      ifs: [{ n: "eth0", rx: 1, tx: 2, speed: 1000 }],
    },
    temp: { max: 54.0, name: "coretemp Package id 0", crit: 100 },
    up: 864213,
    procs: { run: 2, total: 211, blocked: 0 },
    agent: { cpu: 0.02, rss: 1835008 },
    err: ["storage"],
  },
};

describe("a whole record", () => {
  const sample = readSample(whole);

  it("is read field by field", () => {
    expect(sample.modern).toBe(true);
    expect(sample.metrics).toEqual({
      storage: 37.4,
      network: 1.844,
      cpu: 12.3,
      mem: 25.8,
      load: 0.42,
      psi: 0.4,
    });
    expect(sample.cores).toEqual([10, null, 12, 13]);
    expect(sample.cpu.waiting).toBe(0.6);
    expect(sample.memory.swapUsed).toBe(0);
    expect(sample.mounts).toEqual([
      {
        at: "/",
        type: "ext4",
        size: 51200000000,
        available: 3205120,
        pct: 37.4,
        inodes: 4.1,
        readOnly: true,
        network: false,
        stuck: false,
      },
    ]);
    expect(sample.moreMounts).toBe(3);
    expect(sample.io?.readWaitMs).toBe(0.5);
    expect(sample.io?.writeWaitMs).toBeNull();
    expect(sample.interfaces).toEqual([{ name: "eth0", rx: 1, tx: 2, speed: 1000 }]);
    expect(sample.temperatures).toEqual([
      { name: "coretemp Package id 0", celsius: 54, critical: 100 },
    ]);
    expect(sample.failed).toEqual(["storage"]);
    expect(sample.identity?.tags).toEqual(["prod", "role:web"]);
  });

  it("has pressure of what is known, over the interval and the minute", () => {
    expect(sample.pressure).toEqual([
      { of: "cpu", some: 0.4, full: null, some60: 0.5, full60: null },
      { of: "mem", some: 0, full: 0, some60: null, full60: null },
      { of: "io", some: 1.2, full: 0.3, some60: null, full60: null },
    ]);
  });
});

describe("many cores", () => {
  it("come as a summary with the busiest", () => {
    const cores = { n: 128, min: 0, mean: 20, max: 99, top: [[17, 99], [3, "x"], 5] };
    const sample = readSample({ v: 2, health: { cpu: { cores } } });
    expect(sample.cores).toEqual([]);
    expect(sample.coreSummary).toEqual({
      count: 128,
      min: 0,
      mean: 20,
      max: 99,
      top: [{ core: 17, pct: 99 }],
    });
  });
});

describe("several temperatures", () => {
  it("are read from their list, below zero too", () => {
    const temps = [{ n: "a", c: -12.5 }, { n: "b", c: 40, crit: 90 }, "x"];
    expect(readSample({ v: 2, health: { temps } }).temperatures).toEqual([
      { name: "a", celsius: -12.5, critical: null },
      { name: "b", celsius: 40, critical: 90 },
      { name: "", celsius: null, critical: null },
    ]);
  });
});

describe("an old record", () => {
  it("has two numbers, whatever they are", () => {
    const sample = readSample({ id: "x", health: { storage: 123456, network: 7 }, socketID: "s" });
    expect(sample.modern).toBe(false);
    expect(sample.metrics.storage).toBe(123456);
    expect(sample.identity).toBeNull();
    expect(sample.pressure).toEqual([]);
    expect(sample.network).toBeNull();
  });
});

describe("what is no record", () => {
  it.each([
    null,
    undefined,
    "text",
    7,
    [],
    { health: null },
    { v: 2, health: "text", info: "text" },
    { v: 2, health: { cpu: 7, load: {}, mem: [], psi: { cpu: 3 }, disk: {}, net: 1, temps: 7 } },
    { v: 2, health: { cpu: { pct: -1, cores: [-4, "x", Infinity] }, up: NaN, err: [7, null] } },
    { v: 2, health: { disk: [null, 3, []], net: { ifs: "x" }, psi: { io: ["1"] } } },
  ])("%j says nothing, and nothing breaks", (value) => {
    const sample = readSample(value);
    expect(Object.values(sample.metrics).every((metric) => metric === null)).toBe(true);
    expect(sample.mounts).toEqual([]);
    expect(sample.failed).toEqual([]);
    expect(sample.cores.every((core) => core === null)).toBe(true);
  });
});

describe("text of an agent", () => {
  it("is cut, and shows what hides", () => {
    const disk = [{ m: `/mnt\u202e${"x".repeat(5000)}`, fs: "\u0000" }];
    const [mount] = readSample({ v: 2, health: { disk } }).mounts;
    expect(mount?.at.startsWith("/mnt\\u{202e}xxx")).toBe(true);
    expect(mount?.at.length).toBeLessThan(300);
    expect(mount?.type).toBe("\\u{0}");
  });

  it("of lists without an end is not taken whole", () => {
    const many = Array.from({ length: 10_000 }, (_, at) => ({ n: String(at), m: String(at) }));
    const sample = readSample({ v: 2, health: { disk: many, temps: many, net: { ifs: many } } });
    expect(sample.mounts.length + sample.temperatures.length + sample.interfaces.length).toBe(192);
  });
});
