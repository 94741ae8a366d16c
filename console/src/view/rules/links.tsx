import { useEffect, useRef, useState } from "preact/hooks";
import type { App } from "../../app";
import type { Units } from "../../model/units";
import { words } from "../../words/rules";
import { Durations } from "./mutes";
import { type MadeLink, type RulesView, whyOf } from "./rules_view";

/** Makes links that show the fleet for a time. */
export function Links({ app, view, units }: { app: App; view: RulesView; units: Units }) {
  const [seconds, setSeconds] = useState("86400");
  const [filter, setFilter] = useState("");
  const [made, setMade] = useState<MadeLink | null>(null);
  const [problem, setProblem] = useState("");
  const onSubmit = (event: Event): void => {
    event.preventDefault();
    view.link(Number(seconds), filter.trim(), location.origin).then(
      (link) => {
        setProblem("");
        setMade(link);
      },
      (error: unknown) => setProblem(words.notSaved(whyOf(error))),
    );
  };
  // Who has no name here can give out no links: the node has no tokens to make them from.
  if (app.who?.anonymous === true) return null;
  return (
    <section>
      <h3>{words.links}</h3>
      <p class="note">{words.linksIntro}</p>
      <form class="add" onSubmit={onSubmit}>
        <label>
          {words.linkFor}
          <Durations value={seconds} choose={setSeconds} />
        </label>
        <label class="long">
          {words.linkFilter}
          <input
            value={filter}
            maxLength={512}
            placeholder={words.muteMatchHint}
            spellcheck={false}
            autocomplete="off"
            onInput={(event) => setFilter(event.currentTarget.value)}
          />
        </label>
        <button type="submit" class="main">
          {words.linkMake}
        </button>
        {problem !== "" && <p role="alert">{problem}</p>}
      </form>
      {made !== null && <Made key={made.url} link={made} units={units} />}
    </section>
  );
}

function Made({ link, units }: { link: MadeLink; units: Units }) {
  const [copied, setCopied] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    field.current?.focus();
    field.current?.select();
  }, []);
  const copy = (): void => {
    const board = (navigator as { clipboard?: Clipboard }).clipboard;
    board?.writeText(link.url).then(
      () => setCopied(true),
      () => field.current?.select(),
    );
  };
  return (
    <div class="made">
      <input ref={field} readOnly aria-label={words.linkUrl} value={link.url} />
      {"clipboard" in navigator && (
        <button type="button" onClick={copy}>
          {copied ? words.copied : words.copy}
        </button>
      )}
      {link.expires > 0 && <p class="note">{words.linkMade(units.time(link.expires))}</p>}
    </div>
  );
}
