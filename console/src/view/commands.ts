import type { App } from "../app";
import { usualColumns } from "../model/columns";
import { countedStates } from "../model/host";
import { themes } from "../model/prefs";
import { fleetPlace, metricNames, rulesPlace } from "../model/route";
import { text } from "../text";
import { copyLink, saveCsv } from "./actions";
import { groupChoices } from "./menu";

export interface PaletteEntry {
  readonly label: string;
  run(): void;
}

/** Everything that can be done to the page by its name. */
export function commandsOf(app: App): readonly PaletteEntry[] {
  const of = (label: string, run: () => void): PaletteEntry => ({ label, run });
  const other = app.query.view === "tiles" ? "table" : "tiles";
  return [
    of(text.allHosts, () => {
      app.go(fleetPlace);
      app.showAll();
    }),
    ...countedStates.map((state) =>
      of(text.showState(text.state[state]), () => {
        app.go(fleetPlace);
        app.showState(state);
      }),
    ),
    of(other === "tiles" ? text.tilesView : text.tableView, () => app.view({ view: other })),
    of(text.rules, () => app.go(rulesPlace)),
    of(app.paused ? text.resume : text.pause, () => app.pause()),
    ...groupChoices(app).map(({ value, label }) =>
      of(`${text.groupBy}: ${label}`, () => app.view({ group: value })),
    ),
    ...usualColumns.map((column) => of(text.sortBy(text.column[column]), () => app.sortBy(column))),
    ...metricNames.map((metric) =>
      of(`${text.colourBy}: ${text.metric[metric]}`, () => app.view({ metric })),
    ),
    ...themes.map((theme) =>
      of(`${text.theme}: ${text.themes[theme]}`, () => app.prefer({ theme })),
    ),
    of(text.exportCsv, () => saveCsv(app)),
    of(text.copyLink, () => copyLink()),
    of(text.kioskOn, () => app.view({ kiosk: true })),
    of(text.help, () => app.show("help")),
  ];
}
