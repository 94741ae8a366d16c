import { render } from "preact";
import { io } from "socket.io-client";
import { App } from "./app";
import { createFormat } from "./model/format";
import { browserAddress } from "./net/address";
import { loadConfig } from "./net/config";
import { Session } from "./net/session";
import { clientOptions, Link } from "./net/link";
import { Painter } from "./painter";
import "./style/index.css";
import { Page } from "./view/page";
import { showInTab } from "./view/tab";

const settingsRetryMs = 3000;
/** How long a page without a token waits to hear whether one is needed. */
const askFirstMs = 2000;

const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

let draw = (): void => {};
const painter = new Painter(() => draw());
const app = new App(() => performance.now(), painter);

let session: Session | null = null;

async function connect(): Promise<void> {
  try {
    app.configured(await loadConfig(location.origin));
  } catch (error) {
    console.warn("console.settings.failed", error);
    app.unconfigured();
    setTimeout(() => void connect(), settingsRetryMs);
    return;
  }
  if (app.config === null) return;
  const socket = io(app.config.url, {
    ...clientOptions(app.config),
    autoConnect: false,
    auth: (give) => give(app.token === null ? {} : { token: app.token }),
  });
  // Who must sign in first is not to ask again and again meanwhile.
  const link = new Link(socket, app, (run, ms) => {
    setTimeout(() => {
      if (!app.needsSignIn) run();
    }, ms);
  });
  app.useWire(link);
  // Nobody looks at a hidden page: it is told little, and brought up to date when seen again.
  const pace = (): void => link.pace(document.visibilityState === "hidden");
  document.addEventListener("visibilitychange", pace);
  pace();
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) link.resync();
  });
  const checked = session?.check();
  // Who has nothing to show asks first: a connection that is refused while it still opens leaves
  // errors in the browser's log.
  if (app.token === null) await Promise.race([checked, pause(askFirstMs)]);
  if (!app.needsSignIn) socket.connect();
}

/** The browser's store of settings; `null` where pages may not have one. */
function store(): Storage | null {
  try {
    return localStorage;
  } catch {
    return null;
  }
}

const root = document.getElementById("app");
if (root !== null) {
  app.usePrefs(store());
  // Before anything looks at the address: a token in it is taken out.
  session = new Session(window, app.rest, app);
  app.useSession(session);
  app.useAddress(browserAddress(window, (route) => app.routed(route)));
  render(
    <Page
      app={app}
      drawWith={(next) => {
        draw = next;
        painter.soon();
      }}
      repaint={() => painter.soon()}
    />,
    root,
  );
  const format = createFormat();
  setInterval(() => {
    app.tick();
    if (!document.hidden) return;
    // Nothing is drawn then, but the tab's title and icon are still seen.
    app.arrange();
    showInTab(app, format);
  }, 1000);
  void connect();
}
