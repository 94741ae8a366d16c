import type { App } from "../app";
import awayIcon from "../icons/away.svg";
import okIcon from "../icons/ok.svg";
import staleIcon from "../icons/stale.svg";
import type { Format } from "../model/format";
import { text } from "../text";

/** The title of the browser's tab: the count that matters most. */
export function tabTitle(app: App, format: Format): string {
  const { all, stale } = app.fleet.counts;
  const phase = text.phase[app.connection.phase];
  const total = format.count(all);
  if (app.cutOff)
    return all === 0 ? text.title.none(phase) : text.title.away(phase, total, all === 1);
  return text.title.live(format.count(stale), total, stale > 0, all === 1);
}

function tabIcon(app: App): string {
  if (app.cutOff || app.fleet.counts.all === 0) return awayIcon;
  return app.fleet.counts.stale > 0 ? staleIcon : okIcon;
}

/** Writes title and icon, when they are others than before. */
export function showInTab(app: App, format: Format): void {
  const title = tabTitle(app, format);
  if (document.title !== title) document.title = title;
  const link = document.querySelector<HTMLLinkElement>("link[rel=icon]");
  const icon = tabIcon(app);
  if (link && link.getAttribute("href") !== icon) link.setAttribute("href", icon);
}
