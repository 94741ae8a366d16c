import { describe, expect, it } from "vitest";
import { defaultQuery, formatRoute, hostPlace, parseRoute } from "../../src/model/route";

const around = (pathname: string, search: string): string =>
  formatRoute(parseRoute(pathname, search));

describe("an address", () => {
  it.each([
    ["/", ""],
    ["/rules", ""],
    ["/host/web-1", ""],
    ["/host/a%2Fb%20c", "?q=x"],
    ["/", "?q=tag:prod+cpu%3E80"],
    ["/", "?sort=-cpu&group=tag:role&cols=name,cpu,spark&view=tiles&metric=mem&kiosk=1"],
  ])("%s%s stays what it is", (pathname, search) => {
    expect(around(pathname, search)).toBe(`${pathname}${search}`);
  });

  it.each([
    ["/", "?sort=name&view=table&metric=cpu&q=&kiosk=0", "/"],
    ["/", "?sort=shoe&metric=shoe&group=shoe&view=shoe", "/"],
    ["/", "?cols=cpu,shoe", "/?cols=name,cpu"],
    ["/nowhere/at/all", "", "/"],
    ["/host/%E0%A4%A", "", "/"],
    ["/host/", "", "/"],
  ])("%s%s becomes %s", (pathname, search, expected) => {
    expect(around(pathname, search)).toBe(expected);
  });

  it("names a host by its id, whatever is in it", () => {
    const id = "a/b?c#d é\u202e";
    const path = formatRoute({ place: hostPlace(id), query: defaultQuery });
    expect(parseRoute(path, "").place).toEqual(hostPlace(id));
  });

  it("does not take a search without an end", () => {
    expect(parseRoute("/", `?q=${"x".repeat(5000)}`).query.q).toHaveLength(512);
  });
});
