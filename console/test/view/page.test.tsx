// @vitest-environment happy-dom
import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { App } from "../../src/app";
import { usualColumns as columns } from "../../src/model/columns";
import { Link } from "../../src/net/link";
import { text } from "../../src/text";
import { Page } from "../../src/view/page";
import { Clock, cols, FakeSocket, modernRecord, oldRecord, row as rowOf } from "../support";

interface HappyWindow {
  happyDOM: { setViewport(size: { width: number; height: number }): void };
}

let clock: Clock;
let app: App;
let socket: FakeSocket;
let root: HTMLElement;
let draw: () => void;

const paint = (): void => act(() => draw()) as unknown as undefined;

beforeEach(async () => {
  document.head.innerHTML = '<link rel="icon" href="/none.svg">';
  document.body.innerHTML = '<div id="app"></div>';
  root = document.getElementById("app") as HTMLElement;
  clock = new Clock();
  draw = () => {};
  (window as unknown as HappyWindow).happyDOM.setViewport({ width: 1600, height: 768 });
  app = new App(clock.now, { data: () => {}, soon: () => {} });
  socket = new FakeSocket();
  app.useWire(new Link(socket, app));
  app.configured({ url: "http://api.example:3000", path: "/socket.io/", version: "1.2.3" });
  const drawWith = (next: () => void): void => {
    draw = next;
  };
  await act(() => {
    render(<Page app={app} locale="en-US" drawWith={drawWith} repaint={() => {}} />, root);
  });
});

afterEach(() => {
  render(null, root);
});

const load = (...records: unknown[]): void => {
  socket.join();
  socket.say("load_clients", records);
  paint();
};

const all = (selector: string): HTMLElement[] => [...root.querySelectorAll<HTMLElement>(selector)];

const one = (selector: string): HTMLElement => {
  const found = root.querySelector<HTMLElement>(selector);
  if (found === null) throw new Error(`nothing is ${selector}`);
  return found;
};

/** What a person reads in a row, cell by cell. */
const read = (row: HTMLElement): Record<string, string> =>
  Object.fromEntries(
    columns.map((key) => {
      const cell = row.querySelector(`.cell.${key}`)?.cloneNode(true) as HTMLElement;
      for (const unseen of cell.querySelectorAll(".unseen")) unseen.remove();
      if (key === "name") for (const other of cell.querySelectorAll(".badge")) other.remove();
      return [key, cell.textContent];
    }),
  );

const rows = (): HTMLElement[] => all(".body [role=row]");

const press = async (key: string, options: KeyboardEventInit = {}): Promise<void> => {
  const target = document.activeElement as HTMLElement;
  await act(() => {
    target.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, ...options }));
  });
};

describe("a row", () => {
  it("of a mad agent shows every column with its unit", () => {
    load(modernRecord("web-042"));
    expect(read(one(".body [role=row]"))).toEqual({
      state: "ok",
      name: "web-042",
      tags: "–",
      storage: "37.4%",
      network: "1.84 Mbit/s",
      cpu: "12.3%",
      mem: "25.8%",
      load: "0.42",
      psi: "–",
      up: "–",
      seen: "now",
      spark: "",
    });
  });

  it("of an original agent shows two bare numbers and dashes", () => {
    load(oldRecord("old-1"));
    expect(read(one(".body [role=row]"))).toEqual({
      state: "ok",
      name: "old-1",
      tags: "–",
      storage: "61",
      network: "7.25",
      cpu: "–",
      mem: "–",
      load: "–",
      psi: "–",
      up: "–",
      seen: "now",
      spark: "",
    });
    expect(all(".meter")).toHaveLength(0);
  });

  it("puts a peer's markup into text nodes only", () => {
    const markup = '<img src=x onerror="alert(1)"><script>alert(2)</script>';
    load(modernRecord(markup));
    expect(read(one(".body [role=row]")).name).toBe(markup.slice(0, 64));
    expect(all("img, script")).toHaveLength(0);
    expect(one(".host").getAttribute("title")).toBe(markup);
  });

  it("changes with an update, in the same element", () => {
    load(modernRecord("a"));
    const before = one(".body [role=row]");
    socket.say("web_client_update", modernRecord("a", { seq: 2, health: { cpu: { pct: 99 } } }));
    paint();
    expect(one(".body [role=row]")).toBe(before);
    expect(read(before).cpu).toBe("99.0%");
    expect(one(".cpu .fill").style.transform).toBe("scaleX(0.990)");
  });

  it("keeps its bar within bounds when a percentage is above 100", () => {
    load(modernRecord("a", { health: { cpu: { pct: 180 } } }));
    expect(one(".cpu .fill").style.transform).toBe("scaleX(1.000)");
    expect(read(one(".body [role=row]")).cpu).toBe("180.0%");
  });

  it("says by word and shape that its host is stale, and since when", () => {
    load(modernRecord("a"));
    clock.forward(12_000);
    app.tick();
    paint();
    const row = one(".body [role=row]");
    expect(read(row).state).toBe("stale");
    expect(read(row).seen).toMatch(/^12/);
    expect(row.querySelector("svg path")).not.toBeNull();
    expect(document.title).toBe("1 stale of 1 host · mad");
  });

  it("goes when its host goes", () => {
    load(modernRecord("a"), modernRecord("b"));
    clock.forward(2000);
    socket.say("web_client_disconnect", "a");
    paint();
    expect(rows().map((row) => read(row).name)).toEqual(["b"]);
  });
});

describe("the grid", () => {
  it("tells its true size, whatever is drawn of it", () => {
    load(...Array.from({ length: 5000 }, (_, i) => modernRecord(`host-${i}`)));
    const grid = one("[role=grid]");
    expect(grid.getAttribute("aria-rowcount")).toBe("5001");
    expect(grid.getAttribute("aria-colcount")).toBe(String(columns.length));
    expect(rows().length).toBeLessThan(80);
    expect(
      rows()
        .map((row) => row.getAttribute("aria-rowindex"))
        .slice(0, 3),
    ).toEqual(["2", "3", "4"]);
  });

  it("has one cell in the tab order", () => {
    load(modernRecord("a"), modernRecord("b"));
    expect(all("[role=grid] [tabindex='0']")).toHaveLength(1);
  });

  it("moves the focus with the arrow keys, from the head into the rows", async () => {
    load(modernRecord("a"), modernRecord("b"));
    one("[role=grid] [tabindex='0']").focus();
    await press("ArrowDown");
    await press("ArrowDown");
    await press("ArrowRight");
    const cell = document.activeElement as HTMLElement;
    expect(cell.classList.contains("tags")).toBe(true);
    expect(cell.closest("[role=row]")?.getAttribute("aria-rowindex")).toBe("3");
    expect(all("[role=grid] [tabindex='0']")).toEqual([cell]);
    expect(app.isHeld).toBe(true);
  });

  it("keeps the focused row in the document when it is far away", async () => {
    load(...Array.from({ length: 1000 }, (_, i) => modernRecord(`host-${i}`)));
    one("[role=grid] [tabindex='0']").focus();
    await press("End", { ctrlKey: true });
    const cell = document.activeElement as HTMLElement;
    expect(cell.closest("[role=row]")?.getAttribute("aria-rowindex")).toBe("1001");
    expect(read(cell.closest("[role=row]") as HTMLElement).name).toBe("host-999");
  });

  it("keeps the focus on a host when rows are added above it", async () => {
    load(modernRecord("b"), modernRecord("c"));
    one("[role=grid] [tabindex='0']").focus();
    await press("ArrowDown");
    const cell = document.activeElement;
    app.hold("focus", false); // the window lost the focus: the order is no longer held
    clock.forward(5000);
    socket.say("web_client_update", modernRecord("a"));
    paint();
    expect(rows().map((row) => read(row).name)).toEqual(["a", "b", "c"]);
    expect(document.activeElement).toBe(cell);
    expect(cell?.closest("[role=row]")?.getAttribute("aria-rowindex")).toBe("3");
  });

  it("orders by a column and says so", async () => {
    load(modernRecord("a"), modernRecord("b", { health: { cpu: { pct: 99 } } }));
    await act(() => one(".head .cpu button").click());
    paint();
    expect(one(".head .cpu").getAttribute("aria-sort")).toBe("descending");
    expect(one(".head .name").getAttribute("aria-sort")).toBe("none");
    expect(rows().map((row) => read(row).name)).toEqual(["b", "a"]);
  });

  it("says that changes wait while the pointer is over it", async () => {
    load(modernRecord("a"));
    const enter = new Event("pointerenter") as Event & { pointerType?: string };
    enter.pointerType = "mouse";
    await act(() => {
      one(".body").dispatchEvent(enter);
    });
    socket.say("web_client_update", modernRecord("b"));
    paint();
    expect(one(".notice").textContent).toBe("Order held while you look: 1 change waits");
  });
});

describe("the top", () => {
  it("counts hosts by state", () => {
    load(modernRecord("a"), modernRecord("b"), modernRecord("slow", { interval: 60_000 }));
    clock.forward(9000);
    app.tick();
    paint();
    expect(all(".counter").map((counter) => counter.textContent)).toEqual([
      "3 hosts",
      "1 ok",
      "0 warn",
      "0 crit",
      "2 stale",
      "0 offline",
    ]);
  });

  it("filters by a counter", async () => {
    load(modernRecord("a"));
    await act(() => one(".counter[data-state=stale]").click());
    paint();
    expect(one(".counter[data-state=stale]").getAttribute("aria-pressed")).toBe("true");
    expect(rows()).toHaveLength(0);
    expect(one(".empty h2").textContent).toBe(text.noMatchTitle);
    await act(() => one(".empty button").click());
    paint();
    expect(rows()).toHaveLength(1);
  });

  it("is reached with / and narrows the table as one types", async () => {
    load(modernRecord("web-1"), modernRecord("db-1"));
    await press("/");
    const field = one("input") as HTMLInputElement;
    expect(document.activeElement).toBe(field);
    field.value = "web";
    await act(() => {
      field.dispatchEvent(new Event("input", { bubbles: true }));
    });
    paint();
    expect(rows().map((row) => read(row).name)).toEqual(["web-1"]);
    await press("Escape");
    paint();
    expect(rows()).toHaveLength(2);
    expect(field.value).toBe("");
  });

  it("says live, then reconnecting with the age of the data, then live", () => {
    load(modernRecord("a"));
    expect(one(".banner").textContent).toBe("Livedata now");
    expect(one(".page").dataset.cutOff).toBe("false");
    socket.drop();
    clock.forward(14_000);
    paint();
    expect(one(".banner").dataset.phase).toBe("reconnecting");
    expect(one(".banner").textContent).toMatch(/^Reconnectingdata 14/);
    expect(one(".page").dataset.cutOff).toBe("true");
    expect(document.title).toBe("Reconnecting · 1 host · mad");
    load(modernRecord("a"));
    expect(one(".banner").dataset.phase).toBe("live");
  });

  it("shows why the server refused, as text", () => {
    socket.active = false;
    socket.say("connect_error", new Error("<b>no</b>"));
    paint();
    expect(one(".banner").textContent).toContain("<b>no</b>");
    expect(all(".banner b")).toHaveLength(0);
  });
});

describe("an empty table", () => {
  it("says that it waits for the server", () => {
    paint();
    expect(one(".empty h2").textContent).toBe(text.waitingTitle);
    expect(document.title).toBe("Connecting · mad");
  });

  it("says how to start an agent once the server answered", () => {
    load();
    expect(one(".empty code").textContent).toBe("mad-agent --api http://api.example:3000");
    expect(document.title).toBe("0 hosts · mad");
  });
});

describe("around the table", () => {
  it("the live region speaks of states only", () => {
    load(modernRecord("a"));
    socket.say("web_client_update", modernRecord("a", { seq: 2, health: { cpu: { pct: 99 } } }));
    app.tick();
    paint();
    expect(one("[role=status]").textContent).toBe("");
    clock.forward(9000);
    app.tick();
    paint();
    expect(one("[role=status]").textContent).toBe("a stale.");
    expect(one("[role=status]").getAttribute("aria-live")).toBe("polite");
  });

  it("the icon follows the worst state", () => {
    const icon = (): string | null | undefined =>
      document.querySelector("link[rel=icon]")?.getAttribute("href");
    load(modernRecord("a"));
    expect(icon()).toContain("ok");
    clock.forward(9000);
    app.tick();
    paint();
    expect(icon()).toContain("stale");
    socket.drop();
    paint();
    expect(icon()).toContain("away");
  });

  it("the version is that of the settings", () => {
    paint();
    expect(one("footer").textContent).toContain("mad 1.2.3");
  });
});

describe("a fleet of the second version", () => {
  const snapshot = (...rows: unknown[][]): void => {
    socket.join();
    socket.say("fleet_snapshot", { cols, rows, last: true, cursor: "n.1" });
    paint();
  };

  it("shows every column, and what is to blame", () => {
    snapshot(
      rowOf("a", {
        ...{ state: "crit", flags: 5, tags: ["prod", "synthetic"], cpu: 97.1, up: 90_000 },
        ...{ rule: "cpu", value: 97.1, limit: 95, since: 1, name: "other" },
      }),
    );
    const row = one(".body [role=row]");
    expect(read(row)).toMatchObject({
      ...{ state: "crit", tags: "prod", cpu: "97.1%", psi: "0.4%", up: "1d 1h", seen: "now" },
    });
    expect(one(".alias").textContent).toBe("other");
    expect(all(".badge").map(({ textContent }) => textContent)).toEqual([
      ...["dup", "flapping", "synthetic"],
    ]);
    expect(one(".body .cell.cpu").dataset.accused).toBe("crit");
    expect(one(".state-word").title).toContain("cpu is 97.1, the limit is 95");
    expect(one(".spark-line path").getAttribute("d")).toMatch(/^M\d+ /);
    expect(document.title).toBe("1 crit of 1 host · mad");
  });

  it("names the rule when no column shows what it is about", () => {
    snapshot(rowOf("a", { state: "warn", rule: "clock", value: 9, limit: 5 }));
    expect(one(".badge").textContent).toBe("clock");
    expect(one(".badge").title).toContain("clock is 9, the limit is 5");
  });

  it("keeps offline hosts, with the age of what they said last", () => {
    snapshot(
      rowOf("a", { seen: 1_000_000 }),
      rowOf("b", { state: "offline", seen: 1_000_000 - 600_000 }),
    );
    expect(read(rows()[1] as HTMLElement)).toMatchObject({ state: "offline" });
    expect(read(rows()[1] as HTMLElement).seen).toMatch(/^10\s?m/);
  });

  it("puts hosts into groups that close and open", async () => {
    snapshot(rowOf("a", { region: "eu" }), rowOf("b", { region: "us", state: "warn" }));
    app.view({ group: "region" });
    paint();
    const group = (): HTMLElement[] => all(".row.group [role=gridcell]");
    expect(rows()).toHaveLength(4);
    expect(group()[1]?.textContent).toContain("us1");
    expect(group()[1]?.textContent).toContain("1 warn");
    expect(group()[0]?.getAttribute("aria-expanded")).toBe("true");
    await act(() => one(".row.group .cell").click());
    paint();
    expect(rows()).toHaveLength(3);
    expect(group()[0]?.getAttribute("aria-expanded")).toBe("false");
    one("[role=grid] [tabindex='0']").focus();
    await press("ArrowDown");
    await press("Enter");
    paint();
    expect(rows()).toHaveLength(4);
  });

  it("escapes what would turn text round, wherever it comes from", () => {
    snapshot(rowOf("a", { name: "\u202Eevil", tags: ["x\u2066y"] }));
    expect(one(".alias").textContent).toBe("\\u{202e}evil");
    expect(one(".tag").textContent).toBe("x\\u{2066}y");
  });
});

describe("keys", () => {
  beforeEach(() => load(modernRecord("web-1"), modernRecord("db-1")));

  it("Enter opens the host, Escape leads back", async () => {
    one("[role=grid] [tabindex='0']").focus();
    await press("ArrowDown");
    await press("Enter");
    paint();
    expect(app.route.place).toEqual({ name: "host", id: "db-1" });
    expect(all("[role=grid]")).toHaveLength(0);
    await press("Escape");
    paint();
    expect(all("[role=grid]")).toHaveLength(1);
  });

  it("p freezes the view and says how many updates wait", async () => {
    await press("p");
    socket.say(
      "web_client_update",
      modernRecord("web-1", { seq: 2, health: { cpu: { pct: 99 } } }),
    );
    paint();
    expect(one(".banner").textContent).toBe("Paused1 update waits");
    expect(read(rows()[1] as HTMLElement).cpu).toBe("12.3%");
    await press("p");
    paint();
    expect(read(rows()[1] as HTMLElement).cpu).toBe("99.0%");
  });

  it("g and a state narrow the table; in a field they are letters", async () => {
    await press("g");
    await press("c");
    paint();
    expect(app.query.q).toBe("state:crit");
    await press("g");
    await press("a");
    one("input").focus();
    await press("g");
    await press("w");
    expect(app.query.q).toBe("");
  });

  it("? shows all of them", async () => {
    await press("?");
    paint();
    expect(one("dialog").getAttribute("aria-label")).toBe(text.helpTitle);
    expect(all("dialog dt")).toHaveLength(text.keyHelp.length + text.searchHelp.length);
    await press("Escape");
    paint();
    expect(all("dialog")).toHaveLength(0);
  });

  it("ctrl-k finds hosts and commands by name", async () => {
    await press("k", { ctrlKey: true });
    paint();
    const field = one("dialog input") as HTMLInputElement;
    expect(document.activeElement).toBe(field);
    field.value = "web-1";
    await act(() => {
      field.dispatchEvent(new Event("input", { bubbles: true }));
    });
    expect(all(".palette-entry").map((entry) => entry.textContent)).toEqual(["Open web-1"]);
    await press("Enter");
    paint();
    expect(app.route.place).toEqual({ name: "host", id: "web-1" });
  });
});

describe("how the fleet is shown", () => {
  beforeEach(() => load(modernRecord("a")));

  it("has only the chosen columns", async () => {
    await act(() => one(".menu-button").click());
    paint();
    const boxes = all(".columns-choice input") as HTMLInputElement[];
    await act(() => boxes[4]?.click());
    paint();
    expect(app.columns).not.toContain("storage");
    expect(all(".head .storage, .body .storage")).toHaveLength(0);
    expect(app.query.columns).toEqual(app.prefs.columns);
  });

  it("as tiles is a list with one option for the current host", async () => {
    app.view({ view: "tiles" });
    paint();
    const map = one(".tiles-map");
    expect(map.getAttribute("aria-label")).toContain("1 host, coloured by CPU");
    await act(() => map.focus());
    paint();
    expect(map.getAttribute("aria-activedescendant")).toBe("tile");
    expect(one("[role=option]").textContent).toBe("a, ok, CPU 12.3%");
    await press("Enter");
    expect(app.route.place).toEqual({ name: "host", id: "a" });
  });

  it("on a wall has no controls", () => {
    app.view({ kiosk: true });
    paint();
    expect(all(".controls, .filter, footer")).toHaveLength(0);
    expect(all(".counter")).toHaveLength(6);
  });

  it("says what is wrong with a search, and keeps the rows", () => {
    app.search("state:");
    paint();
    expect(one(".problem").textContent).toContain("Character 7");
    expect(one("input").getAttribute("aria-invalid")).toBe("true");
    expect(rows()).toHaveLength(1);
  });

  it("has the theme that was chosen", async () => {
    await act(() => app.prefer({ theme: "contrast" }));
    paint();
    expect(document.documentElement.dataset.theme).toBe("contrast");
    app.prefer({ theme: "system" });
    paint();
    expect(document.documentElement.dataset.theme).toBeUndefined();
  });
});
