// @vitest-environment happy-dom
import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { App } from "../../src/app";
import { createFormat } from "../../src/model/format";
import { hostPlace } from "../../src/model/route";
import { Link } from "../../src/net/link";
import HostPage from "../../src/view/host";
import { Clock, cols, FakeSocket, modernRecord, oldRecord, row } from "../support";

/** Stands for the chart library: keeps what it is to draw. */
class FakePlot {
  static made: FakePlot[] = [];
  data: unknown[][] = [];
  destroyed = false;
  constructor(
    readonly options: { width: number; hooks: { setCursor: ((self: unknown) => void)[] } },
  ) {
    FakePlot.made.push(this);
  }
  setData(data: unknown[][]): void {
    this.data = data;
  }
  setSize(): void {}
  destroy(): void {
    this.destroyed = true;
  }
  point(idx: number | null): void {
    for (const hook of this.options.hooks.setCursor) hook({ cursor: { idx } });
  }
}

vi.mock("uplot", () => ({ default: FakePlot }));

let app: App;
let clock: Clock;
let socket: FakeSocket;
let root: HTMLElement;
let answers: Record<string, { status: number; body: unknown }>;
let asked: string[];
let written: string[];

const now = 1_764_000_000_000;
const format = createFormat("en-US");
const cpuColumn = 2;
const history = {
  interval_ms: 2500,
  t0: now - 10_000,
  cols: ["storage", "network", "cpu", "mem", "load", "psi"],
  native: [
    [50, 1, 10, 40, 0.5, 0],
    [50, 1, 20, 40, 0.5, 0],
    [null, null, null, null, null, null],
    [50, 1, 60, 40, 0.5, 0],
  ],
  minutes: { t0: now - 120_000, mean: [[50, 1, 30, 40, 0.5, 0]], max: [[50, 1, 90, 40, 0.5, 0]] },
};

beforeEach(() => {
  document.body.innerHTML = '<div id="app"></div>';
  root = document.getElementById("app") as HTMLElement;
  FakePlot.made = [];
  answers = {};
  asked = [];
  written = [];
  vi.spyOn(Date, "now").mockReturnValue(now);
  vi.stubGlobal("fetch", async (url: string, init?: RequestInit) => {
    const path = `${init?.method ?? "GET"} ${url.replace("http://node/api/v1/", "")}`;
    asked.push(path);
    const { status, body } = answers[path] ?? { status: 404, body: {} };
    return new Response(status === 204 ? null : JSON.stringify(body), { status });
  });
  clock = new Clock();
  app = new App(clock.now, { data: () => {}, soon: () => {} });
  socket = new FakeSocket();
  app.useWire(new Link(socket, app));
  app.useAddress({
    read: () => ({ place: hostPlace("web-1"), query: app.route.query }),
    write: ({ place }) => written.push("id" in place ? place.id : place.name),
  });
  app.configured({ url: "http://node", path: "/socket.io/", version: "1" });
});

afterEach(() => {
  render(null, root);
  vi.unstubAllGlobals();
});

const draw = async (id = "web-1"): Promise<void> => {
  app.arrange();
  const repaint = (): void => {};
  await act(async () => {
    render(<HostPage app={app} id={id} format={format} repaint={repaint} />, root);
    await Promise.resolve();
  });
};

/** Lets all that is under way come in, and draws it. */
const settle = async (id = "web-1"): Promise<void> => {
  for (let i = 0; i < 5; i += 1) {
    await act(async () => {
      await new Promise((resolve) => {
        setTimeout(resolve, 0);
      });
    });
    await draw(id);
  }
};

const joined = (...rows: unknown[][]): void => {
  socket.join();
  socket.say("fleet_snapshot", { cols, rows, last: true, cursor: "a.1" });
};

const text = (selector = ".host-page"): string =>
  [...root.querySelectorAll(selector)].map((element) => element.textContent).join(" | ");

const button = (name: string): HTMLButtonElement => {
  const found = [...root.querySelectorAll("button")].find(
    (one) => one.textContent === name || one.getAttribute("aria-label") === name,
  );
  if (found === undefined) throw new Error(`no button ${name}`);
  return found;
};

const press = async (key: string): Promise<void> => {
  await act(() => {
    (document.activeElement ?? document.body).dispatchEvent(
      new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }),
    );
  });
};

describe("a host that is not ok", () => {
  it("says which rule, which value, which limit, and since when", async () => {
    const since = now - 200_000;
    const why = { rule: "cpu", value: 97.1, limit: 95, since };
    joined(row("web-1", { state: "crit", flags: 3, ...why }));
    await draw();
    expect(text(".verdict")).toContain("Rule cpu: 97.1%, limit 95.0% since");
    expect(text(".verdict")).toContain("(3m 20s)");
    expect(text(".who")).toContain("crit");
    expect(text(".who")).toContain("duplicate id");
    expect(text(".who")).toContain("muted");
  });
});

describe("the record of a host", () => {
  it("is shown whole, panel by panel", async () => {
    joined(row("web-1"));
    await draw();
    const health = {
      cpu: { pct: 12.3, user: 8.1, sys: 3.2, cores: [10, null, 90] },
      psi: { cpu: [0.4], io: [1.2, 0.3] },
      disk: [{ m: "/data", fs: "xfs", size: 2 ** 40, avail: 2 ** 39, pct: 50, ipct: 4, ro: true }],
      io: { rd: 102_400, wr: 409_600, rops: 12, wops: 40, util: 3.1, queue: 0.1 },
      net: {
        rx: 184_320,
        tx: 46_180,
        err: 0,
        drop: 2,
        ifs: [{ n: "eth0", rx: 1000, speed: 1000 }],
      },
      temp: { max: 54, name: "Package", crit: 100 },
      agent: { cpu: 0.02, rss: 1_835_008 },
      err: ["temp"],
    };
    const info = { os: "Debian 12", kernel: "6.1.0", scope: "host", tags: ["role:web"] };
    socket.say("web_client_update", { ...modernRecord("web-1", { health }), info });
    await draw();
    const said = text(".panels");
    for (const part of [
      "Core 0: 10",
      "Core 1: –",
      "Core 2: 90",
      "8.1%",
      "15.6 GiB",
      "1.2%",
      "/dataread-only",
      "512 GiB",
      "102 kB/s",
      "eth0",
      "1,000 Mbit/s",
      "54 °C",
      "Debian 12",
      "whole machine",
      "1.8 MiB",
      "Could not be readtemp",
    ]) {
      expect(said).toContain(part);
    }
  });

  it("of an agent with evil text is shown as text", async () => {
    joined(row("web-1"));
    await draw();
    const health = { disk: [{ m: "<img src=x onerror=alert(1)>\u202e", fs: "x" }] };
    socket.say("web_client_update", modernRecord("web-1", { health }));
    await draw();
    expect(root.querySelector("img")).toBeNull();
    expect(text(".panels")).toContain("<img src=x onerror=alert(1)>\\u{202e}");
  });

  it("is there raw, when asked for, and nothing of it is markup", async () => {
    joined(row("web-1"));
    await draw();
    socket.say("web_client_update", { ...modernRecord("web-1"), odd: "<b>\u202e" });
    await draw();
    expect(root.querySelector("pre")).toBeNull();
    const details = root.querySelector<HTMLDetailsElement>("details.raw");
    await act(() => {
      if (details) details.open = true;
      details?.dispatchEvent(new Event("toggle"));
    });
    expect(text("pre")).toContain('\n  "odd": "<b>\\u{202e}",'.replace(",", ""));
    expect(root.querySelector("pre b")).toBeNull();
  });

  it("of an old agent has two numbers without units, and two charts", async () => {
    socket.join();
    socket.say("load_clients", [oldRecord("web-1", 61, 7.25)]);
    await draw();
    socket.say("web_client_update", oldRecord("web-1", 161, 7.25));
    await settle();
    expect(text(".note")).toContain("An agent of the original work");
    expect(text(".note")).toContain("This node keeps no history");
    expect(root.querySelectorAll(".chart").length).toBe(2);
    expect(text(".readout")).toBe("161 | 7.25");
  });
});

describe("the charts", () => {
  const watched = async (): Promise<void> => {
    joined(row("web-1"));
    await draw();
    socket.answer({ history });
    await settle();
  };

  it("begin with the node's history, and go on with what comes", async () => {
    await watched();
    expect(FakePlot.made.length).toBe(6);
    expect(FakePlot.made[0]?.data[1]).toEqual([10, 20, null, 60]);
    vi.spyOn(Date, "now").mockReturnValue(now + 1000);
    socket.say("web_client_update", modernRecord("web-1"));
    await settle();
    expect(FakePlot.made[0]?.data[1]).toEqual([10, 20, null, 60, 12.3]);
    expect(FakePlot.made.length).toBe(6);
  });

  it("have a summary in words and a table with the gaps", async () => {
    await watched();
    expect(text(".summary")).toContain(
      "Last 15 minutes: lowest 10.0%, mean 30.0%, highest 60.0%, 1 gap",
    );
    const details = root.querySelector<HTMLDetailsElement>("details.data");
    await act(() => {
      if (details) details.open = true;
      details?.dispatchEvent(new Event("toggle"));
    });
    const values = [...root.querySelectorAll("details.data td")].map((cell) => cell.textContent);
    expect(values).toEqual(["60.0%", "–", "20.0%", "10.0%"]);
  });

  it("show what is under the crosshair, and the newest without one", async () => {
    await watched();
    const readout = (): string => root.querySelector(".readout")?.textContent ?? "";
    expect(readout()).toBe("60.0%");
    FakePlot.made[0]?.point(1);
    expect(readout()).toMatch(/ {2}20\.0%$/);
    FakePlot.made[0]?.point(null);
    expect(readout()).toBe("60.0%");
  });

  it("show six hours with the highest of each minute", async () => {
    await watched();
    await act(() => button("6 h").click());
    await settle();
    const chart = FakePlot.made[6];
    expect(FakePlot.made[0]?.destroyed).toBe(true);
    expect(chart?.data.slice(1)).toEqual([[30], [90]]);
    expect(cpuColumn).toBe(history.cols.indexOf("cpu"));
  });

  it("go when the page goes", async () => {
    await watched();
    await act(() => render(null, root));
    expect(FakePlot.made.every(({ destroyed }) => destroyed)).toBe(true);
    expect(socket.emitted.at(-1)).toBe('client_unwatch([{"id":"web-1"}])');
  });
});

describe("a host that is away", () => {
  it("says for how long it has been silent, before it is offline", async () => {
    socket.join();
    socket.say("load_clients", [modernRecord("web-1")]);
    clock.forward(20_000);
    app.tick();
    await draw();
    expect(text(".verdict")).toBe("Silent: the newest sample came 20s ago.");
    expect(text(".who")).toContain("stale");
  });

  it("shows its last values, dim, and since when", async () => {
    const since = now - 3_600_000;
    answers["GET clients/web-1"] = {
      status: 200,
      body: { id: "web-1", reason: "silent", record: modernRecord("web-1") },
    };
    joined(row("web-1", { state: "offline", since, rule: "offline" }));
    await draw();
    socket.answer({ history });
    await settle();
    expect(text(".verdict")).toContain("Offline since");
    expect(text(".verdict")).toContain("The host fell silent.");
    expect(root.querySelector<HTMLElement>(".host-page")?.dataset["dim"]).toBe("true");
    expect(text(".panels")).toContain("15.6 GiB");
  });

  it("may be forgotten by an admin, after a question", async () => {
    joined(row("web-1", { state: "offline" }));
    await draw();
    expect(text(".acts")).not.toContain("Forget");
    app.known({ name: "ops", role: "admin", anonymous: false, expires: 0 });
    await draw();
    await act(() => button("Forget host").click());
    expect(text(".ask")).toContain("Forget web-1.example?");
    expect(asked.some((path) => path.startsWith("DELETE"))).toBe(false);
    answers["DELETE clients/web-1"] = { status: 409, body: {} };
    await act(() => button("Forget").click());
    await settle();
    expect(text("[role=alert]")).toContain("it is connected");
    answers["DELETE clients/web-1"] = { status: 204, body: null };
    await act(() => button("Forget host").click());
    await act(() => button("Forget").click());
    await settle();
    expect(written.at(-1)).toBe("fleet");
  });

  it("that nobody knows is said to be unknown", async () => {
    joined(row("other"));
    await settle();
    expect(text(".empty")).toContain("No such host");
    expect(text(".empty")).toContain("web-1");
  });

  it("is not said to be unknown before the list is there", async () => {
    await draw();
    expect(text(".empty")).toContain("Waiting for the first sample");
  });
});

describe("the state log", () => {
  it("has what the node knows and what happens now, the newest first", async () => {
    const told = { id: "web-1", from: "ok", to: "warn", rule: "mem", value: 88, limit: 85 };
    answers["GET states?id=web-1"] = {
      status: 200,
      body: { states: [{ ...told, at: now - 60_000, since: now - 60_000 }] },
    };
    joined(row("web-1"));
    await settle();
    socket.say("client_state", {
      ...{ id: "web-1", from: "ok", to: "crit", rule: "cpu", value: 97, limit: 95, since: now },
    });
    await draw();
    await draw();
    const rows = [...root.querySelectorAll(".log tbody tr")].map((one) => one.textContent);
    expect(rows.length).toBe(2);
    expect(rows[0]).toContain("crit");
    expect(rows[0]).toContain("Rule cpu: 97.0%, limit 95.0%");
    expect(rows[1]).toContain("Rule mem: 88.0%, limit 85.0%");
  });
});

describe("the keys", () => {
  beforeEach(async () => {
    joined(row("db-1"), row("web-1"), row("web-2"));
    await draw();
  });

  it.each([
    ["ArrowLeft", "db-1"],
    ["ArrowRight", "web-2"],
    ["Escape", "fleet"],
  ])("%s leads to %s", async (key, place) => {
    expect(text(".place")).toBe("2 of 3");
    await press(key);
    expect(written).toEqual([place]);
  });

  it("with others held down do nothing", async () => {
    await act(() => {
      window.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowLeft", altKey: true }));
    });
    expect(written).toEqual([]);
  });

  it("lead nowhere at the ends", async () => {
    await draw("web-2");
    expect(button("Host after").disabled).toBe(true);
    await press("ArrowRight");
    expect(written).toEqual([]);
  });
});
