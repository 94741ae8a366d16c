import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { App } from "../app";
import type { Format } from "../model/format";
import { text } from "../text";
import { Banner } from "./banner";
import { Counters } from "./counters";
import { Empty } from "./empty";
import { Filter } from "./filter";
import { Grid } from "./grid";
import { loadHost, loadRules, loadSignIn, Part, type PartProps } from "./part";
import { showInTab } from "./tab";

interface PageProps {
  app: App;
  format: Format;
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

/** What the address names, or the sign-in when the node wants one. */
function Main({ app, format, repaint }: PartProps) {
  const { place } = app.route;
  const given = { app, format, repaint };
  if (app.needsSignIn) return <Part load={loadSignIn} given={given} />;
  if (place.name === "host") return <Part load={loadHost} given={{ ...given, id: place.id }} />;
  if (place.name === "rules") return <Part load={loadRules} given={given} />;
  return (
    <>
      <Grid {...given} />
      {app.arrangement.rows.length === 0 && <Empty app={app} format={format} />}
    </>
  );
}

/** The whole page. */
export function Page({ app, format, drawWith, repaint }: PageProps) {
  const [, count] = useState(0);
  const top = useTopHeight();
  useEffect(() => drawWith(() => count((draws) => draws + 1)), [drawWith]);

  app.arrange();
  showInTab(app, format);
  const { waiting } = app.arrangement;

  return (
    <div class="page" data-cut-off={app.cutOff}>
      <header class="top" ref={top}>
        <h1>
          {text.product} <span>{text.place}</span>
        </h1>
        <Counters app={app} format={format} />
        <Filter app={app} />
        <Banner app={app} format={format} />
      </header>
      <main>
        <Main app={app} format={format} repaint={repaint} />
      </main>
      <footer>
        <span>{text.keys}</span>
        {app.config?.version && <span>{text.version(app.config.version)}</span>}
      </footer>
      {app.held && waiting > 0 && (
        <p class="notice">{text.held(format.count(waiting), waiting === 1)}</p>
      )}
      <div class="unseen" role="status" aria-live="polite">
        {app.spoken}
      </div>
    </div>
  );
}
