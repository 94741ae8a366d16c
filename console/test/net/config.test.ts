import { describe, expect, it } from "vitest";
import { loadConfig, readConfig } from "../../src/net/config";

const page = "http://console.example:8081";

describe("the settings", () => {
  it.each([
    [
      "name another origin",
      { api_url: "http://127.0.0.1:3000", path: "/socket.io/", version: "1.2.3" },
      { url: "http://127.0.0.1:3000", path: "/socket.io/", version: "1.2.3" },
    ],
    [
      "mean the page's origin when the address is empty",
      { api_url: "", path: "/socket.io/" },
      { url: page, path: "/socket.io/", version: "" },
    ],
    ["have defaults", {}, { url: page, path: "/socket.io/", version: "" }],
    [
      "may put the engine below a path of the address",
      { api_url: "https://lb.example/mad/", path: "/socket.io" },
      { url: "https://lb.example", path: "/mad/socket.io/", version: "" },
    ],
    [
      "may have unknown fields and a version that is no text",
      { api_url: "", version: 3, later: true },
      { url: page, path: "/socket.io/", version: "" },
    ],
  ])("%s", (_name, given, expected) => {
    expect(readConfig(given, page)).toEqual(expected);
  });

  it.each([
    ["not an object", null, /not an object/],
    ["text", "x", /not an object/],
    ["an address of a wrong type", { api_url: 7 }, /api_url is not text/],
    ["a path of a wrong type", { path: [] }, /path is not text/],
    ["a script address", { api_url: "javascript:alert(1)" }, /not an http or https/],
    ["a file address", { api_url: "file:///etc" }, /not an http or https/],
    ["an address that cannot be parsed", { api_url: "http://" }, /URL/],
  ])("are refused when they are %s", (_name, given, message) => {
    expect(() => readConfig(given, page)).toThrow(message);
  });
});

describe("reading the settings", () => {
  const answering =
    (response: Response): typeof fetch =>
    () =>
      Promise.resolve(response);

  it("gives what the server says", async () => {
    const body = JSON.stringify({ api_url: "http://127.0.0.1:1" });
    const config = await loadConfig(page, answering(new Response(body)));
    expect(config.url).toBe("http://127.0.0.1:1");
  });

  it("asks for a fresh copy of /config.json, with a deadline", async () => {
    let asked: { path: unknown; init: RequestInit | undefined } | undefined;
    await loadConfig(page, (path, init) => {
      asked = { path, init };
      return Promise.resolve(new Response("{}"));
    });
    expect(asked?.path).toBe("/config.json");
    expect(asked?.init?.cache).toBe("no-store");
    expect(asked?.init?.signal).toBeInstanceOf(AbortSignal);
  });

  it.each([
    ["an error status", new Response("no", { status: 503 })],
    ["text that is no JSON", new Response("<html>")],
  ])("fails on %s", async (_name, response) => {
    await expect(loadConfig(page, answering(response))).rejects.toThrow();
  });
});
