import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { App } from "../app";
import { createFormat, type Format } from "../model/format";
import { type Command, Keys } from "../model/keys";
import { fleetPlace, formatRoute, rulesPlace } from "../model/route";
import { text } from "../text";
import { Banner } from "./banner";
import { Counters } from "./counters";
import { Empty } from "./empty";
import { Filter, searchFieldId } from "./filter";
import { Grid } from "./grid";
import Help from "./help";
import { Menu } from "./menu";
import Palette from "./palette";
import { loadHost, loadRules, loadSignIn, Part, type PartProps } from "./part";
import { Account } from "./signin/account";
import { showInTab } from "./tab";
import { Tiles } from "./tiles";

interface PageProps {
  app: App;
  /** Of numbers; `undefined`: the browser's own. */
  locale?: string | undefined;
  /** Hands over what draws the page; it is called at most once a frame. */
  drawWith: (draw: () => void) => void;
  repaint: () => void;
}

/** Tells the style sheet how high the sticky top is: it wraps on narrow screens. */
function useTopHeight() {
  const top = useRef<HTMLElement>(null);
  useLayoutEffect(() => {
    const element = top.current;
    if (!element) return;
    const sizes = new ResizeObserver(() => {
      document.documentElement.style.setProperty("--top-height", `${element.offsetHeight}px`);
    });
    sizes.observe(element);
    return () => sizes.disconnect();
  }, []);
  return top;
}

function obey(app: App, command: Command): void {
  switch (command.name) {
    case "search": {
      const field = document.getElementById(searchFieldId);
      if (!(field instanceof HTMLInputElement)) return;
      field.focus();
      field.select();
      return;
    }
    case "help":
    case "palette":
      app.show(command.name);
      return;
    case "pause":
      app.pause();
      return;
    case "view":
      app.view({ view: app.query.view === "table" ? "tiles" : "table" });
      return;
    case "fleet":
      app.go(fleetPlace);
      return;
    case "rules":
      app.go(rulesPlace);
      return;
    case "state":
      if (command.state === null) app.showAll();
      else app.showState(command.state);
      return;
    case "close":
      if (app.overlay !== null) app.show(null);
      else if (app.route.place.name !== "fleet") app.go(fleetPlace);
      else if (app.query.kiosk) app.view({ kiosk: false });
  }
}

function isField(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest("input, textarea, select") !== null;
}

/** The page's own keys. */
function useKeys(app: App): void {
  useEffect(() => {
    const keys = new Keys();
    const onKey = (event: KeyboardEvent): void => {
      if (event.defaultPrevented) return;
      const { key, ctrlKey, metaKey, altKey } = event;
      const press = { key, ctrl: ctrlKey || metaKey, other: altKey, typing: isField(event.target) };
      const command = keys.press(press, event.timeStamp);
      if (command === null) return;
      event.preventDefault();
      obey(app, command);
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, [app]);
}

/** The theme the operator chose; the system's own needs no word. */
function useTheme(theme: string): void {
  useLayoutEffect(() => {
    const { dataset } = document.documentElement;
    if (theme === "system") delete dataset.theme;
    else dataset.theme = theme;
  }, [theme]);
}

/** What the address names, or the sign-in when the node wants one. */
function Main({ app, format, repaint }: PartProps) {
  const { place, query } = app.route;
  const given = { app, format, repaint };
  if (app.needsSignIn) return <Part load={loadSignIn} given={given} />;
  if (place.name === "host") return <Part load={loadHost} given={{ ...given, id: place.id }} />;
  if (place.name === "rules") return <Part load={loadRules} given={given} />;
  return (
    <>
      {query.view === "tiles" ? <Tiles {...given} /> : <Grid {...given} />}
      {app.arrangement.entries.length === 0 && <Empty app={app} format={format} />}
    </>
  );
}

function Controls({ app }: { app: App }) {
  const { view } = app.query;
  return (
    <div class="controls">
      <fieldset class="segments" aria-label={text.viewAs}>
        <button
          type="button"
          aria-pressed={view === "table"}
          onClick={() => app.view({ view: "table" })}
        >
          {text.tableView}
        </button>
        <button
          type="button"
          aria-pressed={view === "tiles"}
          onClick={() => app.view({ view: "tiles" })}
        >
          {text.tilesView}
        </button>
      </fieldset>
      <button
        type="button"
        class="menu-button"
        aria-haspopup="dialog"
        aria-expanded={app.overlay === "menu"}
        onClick={() => app.show(app.overlay === "menu" ? null : "menu")}
      >
        {text.menu}
      </button>
      {app.overlay === "menu" && <Menu app={app} />}
    </div>
  );
}

function Foot({ app, format }: { app: App; format: Format }) {
  const { matched } = app.arrangement;
  const { size } = app.fleet;
  return (
    <footer>
      <span class="hint">{text.keys}</span>
      {matched.length < size && (
        <span>{text.shown(format.count(matched.length), format.count(size))}</span>
      )}
      <Account app={app} format={format} />
      {app.config?.version && <span>{text.version(app.config.version)}</span>}
    </footer>
  );
}

/** The whole page. */
export function Page({ app, locale, drawWith, repaint }: PageProps) {
  const [, count] = useState(0);
  const top = useTopHeight();
  const format = useMemo(() => createFormat(locale, app.prefs.bytes), [locale, app.prefs.bytes]);
  useEffect(() => drawWith(() => count((draws) => draws + 1)), [drawWith]);
  useKeys(app);
  useTheme(app.prefs.theme);

  app.arrange();
  showInTab(app, format);
  const { waiting } = app.arrangement;
  const { place, query } = app.route;
  const inFleet = place.name === "fleet" && !app.needsSignIn;
  const close = (): void => app.show(null);

  return (
    <div class="page" data-cut-off={app.cutOff} data-kiosk={query.kiosk}>
      <header class="top" ref={top}>
        <h1>
          <a
            href={formatRoute({ place: fleetPlace, query })}
            onClick={(event) => {
              if (event.ctrlKey || event.metaKey || event.shiftKey) return;
              event.preventDefault();
              app.go(fleetPlace);
            }}
          >
            {text.product} <span>{text.place}</span>
          </a>
        </h1>
        {inFleet && <Counters app={app} format={format} />}
        {inFleet && !query.kiosk && <Filter app={app} format={format} />}
        {inFleet && !query.kiosk && <Controls app={app} />}
        {!app.needsSignIn && <Banner app={app} format={format} />}
      </header>
      <main>
        <Main app={app} format={format} repaint={repaint} />
      </main>
      {!query.kiosk && <Foot app={app} format={format} />}
      {inFleet && app.isHeld && waiting > 0 && (
        <p class="notice">{text.held(format.count(waiting), waiting === 1)}</p>
      )}
      {app.overlay === "help" && <Help onClose={close} />}
      {app.overlay === "palette" && <Palette app={app} onClose={close} />}
      <div class="unseen" role="status" aria-live="polite">
        {app.spoken}
      </div>
    </div>
  );
}
