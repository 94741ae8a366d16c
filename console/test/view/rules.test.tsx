// @vitest-environment happy-dom
import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { App } from "../../src/app";
import { createFormat } from "../../src/model/format";
import type { Role } from "../../src/model/session";
import { Link } from "../../src/net/link";
import RulesPage from "../../src/view/rules";
import { Account } from "../../src/view/signin/account";
import SignIn from "../../src/view/signin";
import { Clock, cols, FakeSocket, row } from "../support";

let app: App;
let socket: FakeSocket;
let root: HTMLElement;
let answers: Record<string, { status: number; body: unknown }>;
let asked: { path: string; body: unknown }[];

const format = createFormat("en-US");
const cpu = {
  ...{ name: "cpu", metric: "cpu", below: false, warn: 85, crit: 95, for: 60 },
  ...{ match: "", enabled: true, source: "preset" },
};
const mute = { id: "m1", match: "role:db", until: 1_764_000_000_000, reason: "new disks" };

beforeEach(() => {
  document.body.innerHTML = '<div id="app"></div>';
  root = document.getElementById("app") as HTMLElement;
  asked = [];
  answers = {
    "GET rules": { status: 200, body: { rules: [cpu] } },
    "GET mutes": { status: 200, body: { mutes: [mute] } },
  };
  vi.stubGlobal("fetch", async (url: string, init?: RequestInit) => {
    const path = `${init?.method ?? "GET"} ${url.replace("http://node/api/v1/", "")}`;
    const body = typeof init?.body === "string" ? (JSON.parse(init.body) as unknown) : null;
    asked.push({ path, body });
    const { status, body: said } = answers[path] ?? { status: 404, body: {} };
    return new Response(status === 204 ? null : JSON.stringify(said), { status });
  });
  app = new App(new Clock().now, { data: () => {}, soon: () => {} });
  socket = new FakeSocket();
  app.useWire(new Link(socket, app));
  app.configured({ url: "http://node", path: "/socket.io/", version: "1" });
  socket.join();
  const why = { state: "crit", rule: "cpu", value: 97, limit: 95, since: 1 };
  const rows = [row("web-1", why), row("web-2", { ...why, state: "stale" }), row("web-3")];
  socket.say("fleet_snapshot", { cols, rows, last: true, cursor: "a.1" });
});

afterEach(() => {
  render(null, root);
  vi.unstubAllGlobals();
});

const settle = async (): Promise<void> => {
  for (let i = 0; i < 5; i += 1) {
    await act(async () => {
      render(<RulesPage app={app} format={format} repaint={() => {}} />, root);
      await new Promise((resolve) => {
        setTimeout(resolve, 0);
      });
    });
  }
};

const be = async (role: Role, anonymous = false): Promise<void> => {
  app.known({ name: "ops", role, anonymous, expires: 0 });
  await settle();
};

const text = (selector = ".rules-page"): string =>
  [...root.querySelectorAll(selector)].map((element) => element.textContent).join(" | ");

const button = (name: string): HTMLButtonElement => {
  const found = [...root.querySelectorAll("button")].find(
    (one) => one.textContent === name || one.getAttribute("aria-label") === name,
  );
  if (found === undefined) throw new Error(`no button ${name}`);
  return found;
};

const write = async (label: string, value: string): Promise<void> => {
  const field = [...root.querySelectorAll("label")]
    .find((one) => one.textContent.startsWith(label))
    ?.querySelector("input");
  if (!field) throw new Error(`no field ${label}`);
  await act(() => {
    field.value = value;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  });
};

const submit = async (selector: string): Promise<void> => {
  await act(() => {
    const form = root.querySelector(selector);
    form?.dispatchEvent(new Event("submit", { bubbles: true, cancelable: true }));
  });
  await settle();
};

describe("the rules", () => {
  it("are shown with the hosts whose state they make", async () => {
    await be("viewer");
    expect(text("tbody")).toContain("CPU, %");
    expect(text("tbody")).toContain("85.0%, 95.0%");
    expect(text(".hits")).toBe("web-1");
  });

  it("cannot be changed by who only looks", async () => {
    await be("viewer");
    expect(text()).toContain("You may look");
    expect(root.querySelectorAll("form").length).toBe(0);
    expect(text("tbody")).not.toContain("Edit");
    expect(text()).not.toContain("View links");
  });

  it("are changed by an admin", async () => {
    await be("admin");
    await act(() => button("Edit the rule cpu").click());
    await write("Warn at", "80");
    answers["PUT rules/cpu"] = { status: 200, body: cpu };
    await submit("form.editor");
    expect(asked.find(({ path }) => path === "PUT rules/cpu")?.body).toEqual({
      ...{ metric: "cpu", below: false, warn: 80, crit: 95, for: 60, match: "", enabled: true },
    });
    expect(text(".said")).toBe("cpu is saved.");
    expect(root.querySelector("form.editor")).toBeNull();
  });

  it("with levels that make no sense are not sent", async () => {
    await be("admin");
    await act(() => button("Edit the rule cpu").click());
    await write("Crit at", "10");
    await submit("form.editor");
    expect(text("[role=alert]")).toBe("Crit must be worse than warn.");
    expect(asked.some(({ path }) => path.startsWith("PUT"))).toBe(false);
  });

  it("that the node does not take are kept in the form, with its reason", async () => {
    await be("admin");
    await act(() => button("Edit the rule cpu").click());
    const error = { code: "invalid", message: "crit: too\u202e high" };
    answers["PUT rules/cpu"] = { status: 422, body: { error } };
    await submit("form.editor");
    expect(text("[role=alert]")).toBe("Not saved: crit: too\\u{202e} high");
  });

  it("that were changed here can be reset", async () => {
    answers["GET rules"] = { status: 200, body: { rules: [{ ...cpu, source: "override" }] } };
    answers["DELETE rules/cpu"] = { status: 204, body: null };
    await be("admin");
    await act(() => button("Reset").click());
    await settle();
    expect(text(".said")).toBe("cpu is as it was.");
  });

  it("of a node that has none are not missed", async () => {
    answers = {};
    await be("admin");
    expect(text(".empty")).toContain("older than this page");
  });

  it("that cannot be read can be asked for again", async () => {
    const rules = answers["GET rules"];
    answers["GET rules"] = { status: 503, body: { error: { code: "x", message: "not now" } } };
    await be("admin");
    expect(text(".empty")).toContain("not now");
    answers["GET rules"] = rules ?? { status: 200, body: {} };
    await act(() => button("Try again").click());
    await settle();
    expect(text("tbody")).toContain("cpu");
  });
});

describe("mutes", () => {
  it("are listed, and ended", async () => {
    answers["DELETE mutes/m1"] = { status: 204, body: null };
    await be("admin");
    expect(text()).toContain("role:db");
    expect(text()).toContain("new disks");
    await act(() => button("End the mute of role:db").click());
    await settle();
    expect(asked.some(({ path }) => path === "DELETE mutes/m1")).toBe(true);
  });

  it("are added by a search and a time", async () => {
    answers["POST mutes"] = { status: 201, body: mute };
    await be("admin");
    expect(text()).toContain("This mutes every host.");
    await write("Hosts, as in a search", " tag:prod ");
    await submit("form.add");
    expect(asked.find(({ path }) => path === "POST mutes")?.body).toEqual({
      match: "tag:prod",
      for: 3600,
    });
  });
});

describe("view links", () => {
  it("are made and shown with the token in the fragment", async () => {
    answers["POST links"] = { status: 201, body: { token: "a.b/c", expires: 1_764_000_000_000 } };
    await be("admin");
    await submit("section:last-of-type form.add");
    expect(asked.find(({ path }) => path === "POST links")?.body).toEqual({
      role: "viewer",
      expires_in: 86_400,
    });
    const field = root.querySelector<HTMLInputElement>(".made input");
    expect(field?.value.endsWith("/#view=a.b%2Fc")).toBe(true);
  });

  it("are not offered where nobody needs one", async () => {
    await be("admin", true);
    expect(text()).not.toContain("View links");
    expect(text()).toContain("Mutes");
  });
});

describe("who uses the page", () => {
  const draw = async (): Promise<string> => {
    await act(() => render(<Account app={app} format={format} />, root));
    return root.textContent;
  };

  it("is not shown where the node asks nobody", async () => {
    expect(await draw()).toBe("");
    app.known({ name: "local", role: "admin", anonymous: true, expires: 0 });
    expect(await draw()).toBe("");
  });

  it("is shown with the role; who came without a token has no way to sign out", async () => {
    app.known({ name: "ada", role: "viewer", anonymous: false, expires: 0 });
    expect(await draw()).toBe("ada, viewer ");
  });

  it("may sign in where more is to be had", async () => {
    app.known({ name: "", role: "viewer", anonymous: true, expires: 0 });
    expect(await draw()).toBe("Sign in");
    await act(() => root.querySelector("button")?.click());
    expect(app.needsSignIn).toBe(true);
    await act(() => render(<SignIn app={app} format={format} repaint={() => {}} />, root));
    await act(() => button("Go on without").click());
    expect(app.needsSignIn).toBe(false);
  });
});

describe("the sign-in", () => {
  const draw = async (): Promise<void> => {
    await act(() => render(<SignIn app={app} format={format} repaint={() => {}} />, root));
  };

  it("says what to do about each problem", async () => {
    for (const [problem, said] of [
      ["missing", ""],
      ["wrong", "does not know this token"],
      ["expired", "has expired"],
      ["withdrawn", "has been withdrawn"],
      ["role", "token of an agent"],
      ["link", "no longer valid"],
    ] as const) {
      app.unknown(problem);
      await draw();
      expect(text("[role=alert]")).toContain(said);
    }
  });

  it("has a field that browsers neither show nor fill", async () => {
    app.unknown("missing");
    await draw();
    const field = root.querySelector("input");
    expect(field?.type).toBe("password");
    expect(field?.getAttribute("autocomplete")).toBe("off");
    expect(field?.hasAttribute("name")).toBe(false);
  });

  it("tries what was put in, and keeps nothing of it in the page", async () => {
    const tried: [string, boolean | undefined][] = [];
    app.signIn = (token, keep) => void tried.push([token, keep]);
    app.unknown("missing");
    await draw();
    await submitSignIn("");
    expect(text("[role=alert]")).toContain("Put in a token first.");
    await submitSignIn(" secret ");
    expect(tried).toEqual([["secret", true]]);
    expect(root.querySelector("input")?.value).toBe("");
  });

  const submitSignIn = async (value: string): Promise<void> => {
    await act(() => {
      const field = root.querySelector("input");
      if (field) field.value = value;
      const form = root.querySelector("form");
      form?.dispatchEvent(new Event("submit", { bubbles: true, cancelable: true }));
    });
  };
});
