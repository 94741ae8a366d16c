import { render } from "preact";
import { io } from "socket.io-client";
import { App } from "./app";
import { createFormat } from "./model/format";
import { browserAddress } from "./net/address";
import { loadConfig } from "./net/config";
import { clientOptions, Link } from "./net/link";
import { Painter } from "./painter";
import "./style/index.css";
import { Page } from "./view/page";

const settingsRetryMs = 3000;

let draw = (): void => {};
const painter = new Painter(() => draw());
const app = new App(() => performance.now(), painter);

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
    auth: (give) => give(app.token === null ? {} : { token: app.token }),
  });
  const link = new Link(socket, app);
  app.reconnectWith(() => socket.disconnect().connect());
  // A page that was hidden or kept aside may have missed much: ask for the whole list.
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") link.resync();
  });
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) link.resync();
  });
}

const root = document.getElementById("app");
if (root !== null) {
  app.useAddress(browserAddress(window, (route) => app.routed(route)));
  render(
    <Page
      app={app}
      format={createFormat()}
      drawWith={(next) => {
        draw = next;
        painter.soon();
      }}
      repaint={() => painter.soon()}
    />,
    root,
  );
  setInterval(() => app.tick(), 1000);
  void connect();
}
