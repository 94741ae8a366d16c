import { describe, expect, it } from "vitest";
import { part, Rest, RestError } from "../../src/net/rest";

interface Asked {
  url: string;
  init: RequestInit;
}

function rest(status: number, body: string | null, token: string | null = null) {
  const asked: Asked[] = [];
  const fetcher = async (url: unknown, init?: RequestInit): Promise<Response> => {
    asked.push({ url: String(url), init: init ?? {} });
    return new Response(body, { status });
  };
  const settings = { url: () => "http://node:3000", token: () => token };
  return { rest: new Rest(settings, fetcher), asked };
}

const failure = async (promise: Promise<unknown>): Promise<RestError> => {
  try {
    await promise;
  } catch (error) {
    if (error instanceof RestError) return error;
  }
  throw new Error("it did not fail as it should");
};

describe("a request", () => {
  it("goes to the node, with the token in its head alone", async () => {
    const { rest: api, asked } = rest(200, '{"a":1}', "secret");
    expect(await api.get("clients/x")).toEqual({ a: 1 });
    expect(asked[0]?.url).toBe("http://node:3000/api/v1/clients/x");
    expect(asked[0]?.init.headers).toMatchObject({ Authorization: "Bearer secret" });
    expect(asked[0]?.init.body).toBeNull();
  });

  it("has no such field without a token", async () => {
    const { rest: api, asked } = rest(200, "{}");
    await api.put("rules/cpu", { warn: 1 });
    expect(asked[0]?.init.headers).toEqual({
      Accept: "application/json",
      "Content-Type": "application/json",
    });
    expect(asked[0]?.init.body).toBe('{"warn":1}');
    expect(asked[0]?.init.method).toBe("PUT");
  });

  it("may be answered by nothing", async () => {
    expect(await rest(204, null).rest.delete("rules/cpu")).toBeNull();
  });
});

describe("what goes wrong", () => {
  it("is told in the node's words", async () => {
    const body = '{"error":{"code":"conflict","message":"it is connected"}}';
    const error = await failure(rest(409, body).rest.delete("clients/x"));
    expect(error).toMatchObject({ status: 409, code: "conflict", message: "it is connected" });
    expect(error.missing).toBe(false);
  });

  it.each(["", "<html>", "null", "[]", '{"error":7}', '{"error":{"code":7}}'])(
    "is an error too when the body is %j",
    async (body) => {
      const error = await failure(rest(404, body).rest.get("x"));
      expect(error).toMatchObject({ status: 404, code: "", message: "" });
      expect(error.missing).toBe(true);
    },
  );

  it("may be the way to the node", async () => {
    const settings = { url: () => "http://node", token: () => null };
    const api = new Rest(settings, () => Promise.reject(new TypeError("no way")));
    expect(await failure(api.get("x"))).toMatchObject({ status: 0 });
  });

  it("may be that nobody knows yet where the node is", async () => {
    const api = new Rest({ url: () => undefined, token: () => null });
    expect(await failure(api.get("x"))).toMatchObject({ status: 0 });
  });
});

describe("an id in a path", () => {
  it("is one part of it, whatever is in it", () => {
    expect(part("a/../b?c#d é")).toBe("a%2F..%2Fb%3Fc%23d%20%C3%A9");
  });
});
