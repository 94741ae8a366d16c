// @vitest-environment happy-dom
import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { App } from "../../src/app";
import { columnKeys } from "../../src/model/columns";
import { createFormat } from "../../src/model/format";
import { Link } from "../../src/net/link";
import { text } from "../../src/text";
import { Page } from "../../src/view/page";
import { Clock, FakeSocket, modernRecord, oldRecord } from "../support";

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
  app = new App(clock.now, { data: () => {}, soon: () => {} });
  socket = new FakeSocket();
  new Link(socket, app);
  app.configured({ url: "http://api.example:3000", path: "/socket.io/", version: "1.2.3" });
  const drawWith = (next: () => void): void => {
    draw = next;
  };
  const format = createFormat("en-US");
  await act(() => {
    render(<Page app={app} format={format} drawWith={drawWith} repaint={() => {}} />, root);
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
    columnKeys.map((key) => {
      const cell = row.querySelector(`.cell.${key}`)?.cloneNode(true) as HTMLElement;
      for (const unseen of cell.querySelectorAll(".unseen")) unseen.remove();
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
      id: "web-042",
      storage: "37.4%",
      network: "1.84 Mbit/s",
      cpu: "12.3%",
      memory: "25.8% of 15.6 GiB",
      load: "0.42 0.51 0.47",
      seen: "now",
    });
  });

  it("of an original agent shows two bare numbers and dashes", () => {
    load(oldRecord("old-1"));
    expect(read(one(".body [role=row]"))).toEqual({
      state: "ok",
      id: "old-1",
      storage: "61",
      network: "7.25",
      cpu: "–",
      memory: "–",
      load: "–",
      seen: "now",
    });
    expect(all(".meter")).toHaveLength(0);
  });

  it("puts a peer's markup into text nodes only", () => {
    const markup = '<img src=x onerror="alert(1)"><script>alert(2)</script>';
    load(modernRecord(markup));
    expect(read(one(".body [role=row]")).id).toBe(markup.slice(0, 64));
    expect(all("img, script")).toHaveLength(0);
    expect(one(".name").getAttribute("title")).toBe(markup);
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
    expect(rows().map((row) => read(row).id)).toEqual(["b"]);
  });
});

describe("the grid", () => {
  it("tells its true size, whatever is drawn of it", () => {
    load(...Array.from({ length: 5000 }, (_, i) => modernRecord(`host-${i}`)));
    const grid = one("[role=grid]");
    expect(grid.getAttribute("aria-rowcount")).toBe("5001");
    expect(grid.getAttribute("aria-colcount")).toBe("8");
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
    expect(cell.classList.contains("storage")).toBe(true);
    expect(cell.closest("[role=row]")?.getAttribute("aria-rowindex")).toBe("3");
    expect(all("[role=grid] [tabindex='0']")).toEqual([cell]);
    expect(app.held).toBe(true);
  });

  it("keeps the focused row in the document when it is far away", async () => {
    load(...Array.from({ length: 1000 }, (_, i) => modernRecord(`host-${i}`)));
    one("[role=grid] [tabindex='0']").focus();
    await press("End", { ctrlKey: true });
    const cell = document.activeElement as HTMLElement;
    expect(cell.closest("[role=row]")?.getAttribute("aria-rowindex")).toBe("1001");
    expect(read(cell.closest("[role=row]") as HTMLElement).id).toBe("host-999");
  });

  it("keeps the focus on a host when rows are added above it", async () => {
    load(modernRecord("b"), modernRecord("c"));
    one("[role=grid] [tabindex='0']").focus();
    await press("ArrowDown");
    const cell = document.activeElement;
    app.focus(false); // the window lost the focus: the order is no longer held
    clock.forward(5000);
    socket.say("web_client_update", modernRecord("a"));
    paint();
    expect(rows().map((row) => read(row).id)).toEqual(["a", "b", "c"]);
    expect(document.activeElement).toBe(cell);
    expect(cell?.closest("[role=row]")?.getAttribute("aria-rowindex")).toBe("3");
  });

  it("orders by a column and says so", async () => {
    load(modernRecord("a"), modernRecord("b", { health: { cpu: { pct: 99 } } }));
    await act(() => one(".head .cpu button").click());
    paint();
    expect(one(".head .cpu").getAttribute("aria-sort")).toBe("descending");
    expect(one(".head .id").getAttribute("aria-sort")).toBe("none");
    expect(rows().map((row) => read(row).id)).toEqual(["b", "a"]);
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
      "2 stale",
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
    expect(rows().map((row) => read(row).id)).toEqual(["web-1"]);
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
