import { formatRoute, parseRoute, type Route } from "../model/route";

/** The address bar as the page uses it. */
export interface Address {
  read(): Route;
  /** `replace`: the way back skips what was there before. */
  write(route: Route, replace: boolean): void;
}

/** The address bar of a browser's window; `changed` hears of the ways back and forth. */
export function browserAddress(window: Window, changed: (route: Route) => void): Address {
  const read = (): Route => parseRoute(window.location.pathname, window.location.search);
  window.addEventListener("popstate", () => changed(read()));
  return {
    read,
    write: (route, replace) => {
      const { pathname, search } = window.location;
      const next = formatRoute(route);
      if (next === `${pathname}${search}`) return;
      if (replace) window.history.replaceState(null, "", next);
      else window.history.pushState(null, "", next);
    },
  };
}
