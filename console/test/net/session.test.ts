import { beforeEach, describe, expect, it } from "vitest";
import type { SignInProblem, Who } from "../../src/model/session";
import { Rest } from "../../src/net/rest";
import { Session, type SessionSink } from "../../src/net/session";

let stored: Map<string, string>;
let addresses: string[];
let heard: (Who | null | SignInProblem)[];
let answer: { status: number; body: unknown };
let shown: (string | null)[];

const sink: SessionSink = {
  known: (who) => heard.push(who),
  unknown: (problem) => heard.push(problem),
};

function open(hash = ""): Session {
  const place = {
    location: { hash, pathname: "/host/x", search: "?q=a" },
    history: { replaceState: (_: unknown, __: string, url: string) => addresses.push(url) },
    sessionStorage: {
      getItem: (key: string) => stored.get(key) ?? null,
      setItem: (key: string, value: string) => void stored.set(key, value),
      removeItem: (key: string) => void stored.delete(key),
    },
  };
  let session: Session | null = null;
  const fetcher = async (_: unknown, init?: RequestInit): Promise<Response> => {
    shown.push(new Headers(init?.headers).get("Authorization"));
    return new Response(JSON.stringify(answer.body), { status: answer.status });
  };
  const settings = { url: () => "http://node", token: () => session?.token ?? null };
  session = new Session(place, new Rest(settings, fetcher), sink);
  return session;
}

const admin = { name: "ops", role: "admin", anonymous: false, expires: null };
const refusal = (code: string) => ({ status: 401, body: { error: { code, message: "no" } } });

beforeEach(() => {
  stored = new Map();
  addresses = [];
  heard = [];
  shown = [];
  answer = { status: 200, body: admin };
});

describe("a token", () => {
  it("goes with the question who this is", async () => {
    const session = open();
    session.use(" secret \n", false);
    await session.check();
    expect(shown).toEqual(["Bearer secret"]);
    expect(heard).toEqual([{ name: "ops", role: "admin", anonymous: false, expires: 0 }]);
  });

  it("is kept for the tab when that is wanted, and only then", () => {
    open().use("secret", true);
    expect(open().token).toBe("secret");
    open().use("other", false);
    expect(open().token).toBeNull();
  });

  it("is forgotten at the end", () => {
    const session = open();
    session.use("secret", true);
    session.forget();
    expect(session.token).toBeNull();
    expect([...stored]).toEqual([]);
  });

  it("of a view link is taken out of the address at once, and outlives a reload", () => {
    const session = open("#view=abc.d%2Fe");
    expect(session.token).toBe("abc.d/e");
    expect(addresses).toEqual(["/host/x?q=a"]);
    expect(open().token).toBe("abc.d/e");
  });

  it.each(["", "#", "#view=", "#other=abc", "#xview=abc"])("is not in %j", (hash) => {
    expect(open(hash).token).toBeNull();
    expect(addresses).toEqual([]);
  });

  it("with a broken escape is taken as it is", () => {
    expect(open("#view=%E0%A4").token).toBe("%E0%A4");
  });
});

describe("a browser that keeps nothing", () => {
  it("asks again after a reload, and does not fail", () => {
    const no = (): never => {
      throw new Error("forbidden");
    };
    const place = {
      location: { hash: "#view=abc", pathname: "/", search: "" },
      history: { replaceState: () => {} },
      sessionStorage: { getItem: no, setItem: no, removeItem: no },
    };
    const session = new Session(place, new Rest({ url: () => "", token: () => null }), sink);
    expect(session.token).toBe("abc");
    session.forget();
    expect(session.token).toBeNull();
  });
});

describe("a node that refuses", () => {
  it.each<[string, string | null, SignInProblem]>([
    ["token_needed", null, "missing"],
    ["unauthorized", null, "missing"],
    ["token_unknown", "secret", "wrong"],
    ["unauthorized", "secret", "wrong"],
    ["token_expired", "secret", "expired"],
    ["may_not_read", "secret", "role"],
  ])("%s with token %s is a case of %s", async (code, token, problem) => {
    const session = open();
    if (token !== null) session.use(token, true);
    answer = refusal(code);
    await session.check();
    expect(heard).toEqual([problem]);
    expect(session.token).toBeNull();
    expect([...stored]).toEqual([]);
  });

  it("what was good before has withdrawn it", async () => {
    const session = open();
    session.use("secret", true);
    await session.check();
    expect(session.refused("token_unknown")).toBe(true);
    expect(heard.at(-1)).toBe("withdrawn");
  });

  it("twice, by socket and by HTTP, is told once", () => {
    const session = open();
    session.use("secret", false);
    expect(session.refused("token_expired")).toBe(true);
    expect(session.refused("token_expired")).toBe(true);
    expect(heard).toEqual(["expired"]);
    session.forget();
    session.refused("token_needed");
    expect(heard).toEqual(["expired", "missing"]);
  });

  it("a link is told so, also after a reload", async () => {
    open("#view=abc");
    const session = open();
    answer = refusal("token_unknown");
    await session.check();
    expect(heard).toEqual(["link"]);
  });

  it.each(["too_many_attempts", "foreign_origin", "may_not_manage"])(
    "for %s is not asked for another token",
    (code) => {
      const session = open();
      session.use("secret", false);
      expect(session.refused(code)).toBe(false);
      expect(heard).toEqual([]);
      expect(session.token).toBe("secret");
    },
  );

  it("the page of an agent's token wants another one", async () => {
    const session = open();
    session.use("secret", false);
    answer = { status: 200, body: { ...admin, role: "agent" } };
    await session.check();
    expect(heard).toEqual(["role"]);
  });
});

describe("a node that knows of no sessions", () => {
  it.each([404, 500, 403])("and says %i changes nothing", async (status) => {
    answer = { status, body: {} };
    await open().check();
    expect(heard).toEqual([]);
  });

  it("or answers with something else is a node without them", async () => {
    answer = { status: 200, body: { role: "king" } };
    await open().check();
    expect(heard).toEqual([null]);
  });
});

describe("an answer that comes late", () => {
  it("is not about the token of now", async () => {
    const session = open();
    session.use("first", false);
    const late = session.check();
    session.use("second", false);
    await late;
    expect(heard).toEqual([]);
  });
});
