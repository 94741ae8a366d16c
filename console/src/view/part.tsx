import { type ComponentType, type JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { App } from "../app";
import type { Format } from "../model/format";
import { text } from "../text";

/** What each part of the page that is loaded when needed is given. */
export interface PartProps {
  app: App;
  format: Format;
  /** Asks for a repaint in the next frame. */
  repaint: () => void;
}

export type HostPartProps = PartProps & { id: string };

/** The parts that the first load leaves out; each is one chunk of the build. */
export const loadHost = () => import("./host");
export const loadRules = () => import("./rules");
export const loadSignIn = () => import("./signin");

type Loaded<Props> = { readonly default: ComponentType<Props> };

/** Draws a part as soon as it is loaded; until then, or when it cannot be, a word in its place. */
export function Part<Props extends PartProps>(props: {
  load: () => Promise<Loaded<Props>>;
  given: Props;
}): JSX.Element {
  const { load, given } = props;
  const [found, setFound] = useState<{ of: typeof load; part?: ComponentType<Props> } | null>(null);
  const [tries, setTries] = useState(0);

  useEffect(() => {
    let wanted = true;
    load().then(
      (loaded) => wanted && setFound({ of: load, part: loaded.default }),
      () => wanted && setFound({ of: load }),
    );
    return () => {
      wanted = false;
    };
  }, [load, tries]);

  const Found = found?.of === load ? found.part : undefined;
  if (Found) return <Found {...given} />;
  if (found?.of !== load) return <p class="loading">{text.loadingPart}</p>;
  return (
    <div class="empty">
      <p>{text.partFailed}</p>
      <button type="button" onClick={() => setTries(tries + 1)}>
        {text.tryAgain}
      </button>
    </div>
  );
}
