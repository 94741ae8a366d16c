import type { App } from "../app";
import awayIcon from "../icons/away.svg";
import critIcon from "../icons/crit.svg";
import offlineIcon from "../icons/offline.svg";
import okIcon from "../icons/ok.svg";
import staleIcon from "../icons/stale.svg";
import warnIcon from "../icons/warn.svg";
import type { Format } from "../model/format";
import { type CountedState, countedStates, severity } from "../model/host";
import { text } from "../text";

const icons: Readonly<Record<CountedState, string>> = {
  ok: okIcon,
  warn: warnIcon,
  crit: critIcon,
  stale: staleIcon,
  offline: offlineIcon,
};

/** The worst state that a host is in. */
function worst(app: App): CountedState {
  const { counts } = app.fleet;
  return countedStates
    .filter((state) => counts[state] > 0)
    .reduce((a, b) => (severity[b] > severity[a] ? b : a), "ok");
}

/** The title of the browser's tab: the count that matters most. */
export function tabTitle(app: App, format: Format): string {
  const { counts } = app.fleet;
  const phase = text.phase[app.connection.phase];
  const total = format.count(counts.total);
  const one = counts.total === 1;
  if (app.cutOff) {
    return counts.total === 0 ? text.title.none(phase) : text.title.away(phase, total, one);
  }
  const state = worst(app);
  const count = format.count(counts[state]);
  return text.title.live(state === "ok" ? "" : text.title.worst(count, state), total, one);
}

function tabIcon(app: App): string {
  return app.cutOff || app.fleet.size === 0 ? awayIcon : icons[worst(app)];
}

/** Writes title and icon, when they are others than before. */
export function showInTab(app: App, format: Format): void {
  const title = tabTitle(app, format);
  if (document.title !== title) document.title = title;
  const link = document.querySelector<HTMLLinkElement>("link[rel=icon]");
  const icon = tabIcon(app);
  if (link && link.getAttribute("href") !== icon) link.setAttribute("href", icon);
}
