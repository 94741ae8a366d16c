import { useEffect, useMemo, useState } from "preact/hooks";
import type { App } from "../../app";
import { fleetPlace, hostPlace } from "../../model/route";
import type { Rule } from "../../model/rule";
import { ruleValue } from "../../model/rule_value";
import { safeText } from "../../model/safe";
import { createUnits, type Units } from "../../model/units";
import "../../style/rules.css";
import { words } from "../../words/rules";
import type { PartProps } from "../part";
import { Editor } from "./editor";
import { Links } from "./links";
import { Mutes } from "./mutes";
import { RulesView, whyOf } from "./rules_view";

const hitsShown = 5;

/** The rules that judge hosts, what mutes them, and links for those who only look. */
export default function RulesPage({ app, format, repaint }: PartProps) {
  const units = useMemo(() => createUnits(format), [format]);
  const view = useMemo(() => new RulesView(app.rest, repaint), []);
  const ready = app.config !== null;
  useEffect(() => {
    if (ready) void view.load();
  }, [ready, app.who]);
  const [said, setSaid] = useState("");
  const mayChange = app.isAdmin;
  return (
    <article class="rules-page">
      <nav>
        <button type="button" onClick={() => app.go(fleetPlace)}>
          <span aria-hidden="true">←</span> {words.back}
        </button>
      </nav>
      <h2>{words.title}</h2>
      <p class="note">{words.intro}</p>
      {!mayChange && view.rules !== null && <p class="note">{words.readOnly}</p>}
      <p class="said" role="status">
        {said}
      </p>
      {view.rules !== null ? (
        <>
          <Table
            app={app}
            view={view}
            rules={view.rules}
            units={units}
            mayChange={mayChange}
            say={setSaid}
          />
          <Mutes app={app} view={view} units={units} mayChange={mayChange} say={setSaid} />
          {mayChange && <Links app={app} view={view} units={units} />}
        </>
      ) : (
        <Nothing view={view} />
      )}
    </article>
  );
}

function Nothing({ view }: { view: RulesView }) {
  if (view.failed === null) return <p class="note">{words.loading}</p>;
  if (view.missing) return <p class="empty">{words.missing}</p>;
  return (
    <div class="empty">
      <p>{words.failed(view.failed)}</p>
      <button type="button" onClick={() => void view.load()}>
        {words.tryAgain}
      </button>
    </div>
  );
}

/** Hosts whose state comes from each rule, by the rule's name. */
function hitsOf(app: App): ReadonlyMap<string, readonly string[]> {
  const hits = new Map<string, string[]>();
  for (const slot of app.fleet.slots()) {
    const state = app.fleet.state(slot);
    if (state !== "warn" && state !== "crit") continue;
    const { rule } = app.fleet.verdict(slot);
    const known = hits.get(rule);
    if (known === undefined) hits.set(rule, [app.fleet.id(slot)]);
    else known.push(app.fleet.id(slot));
  }
  return hits;
}

interface TableProps {
  app: App;
  view: RulesView;
  rules: readonly Rule[];
  units: Units;
  mayChange: boolean;
  say: (said: string) => void;
}

function Table({ app, view, rules, units, mayChange, say }: TableProps) {
  const [edited, setEdited] = useState<string | null>(null);
  const hits = useMemo(() => hitsOf(app), [app.fleet.turns, app.fleet.structure]);
  const rule = rules.find(({ name }) => name === edited);
  const reset = (name: string): void => {
    view.reset(name).then(
      () => say(words.wasReset(name)),
      (error: unknown) => say(words.notSaved(whyOf(error))),
    );
  };
  return (
    <>
      <div class="scroll" tabIndex={0} role="region" aria-label={words.title}>
        <table>
          <thead>
            <tr>
              <th scope="col">{words.name}</th>
              <th scope="col">{words.judges}</th>
              <th scope="col">{words.limits}</th>
              <th scope="col">{words.hold}</th>
              <th scope="col">{words.match}</th>
              <th scope="col">{words.hits}</th>
              <th scope="col">{words.source}</th>
              {mayChange && <td />}
            </tr>
          </thead>
          <tbody>
            {rules.map((of, at) => (
              <tr key={`${of.name} ${at}`} data-off={!of.enabled}>
                <th scope="row">
                  {safeText(of.name)}
                  {!of.enabled && <span class="badge">{words.off}</span>}
                </th>
                <td>{words.what[of.metric] ?? safeText(of.metric)}</td>
                <td>{limitsOf(of, units)}</td>
                <td>{of.hold === 0 ? words.atOnce : units.duration(of.hold)}</td>
                <td>
                  {of.match === "" ? words.everyHost : <code>{safeText(of.match, 200)}</code>}
                </td>
                <td>
                  <Hits app={app} ids={hits.get(of.name) ?? []} units={units} />
                </td>
                <td>{words.sources[of.source] ?? safeText(of.source)}</td>
                {mayChange && (
                  <td class="acts">
                    <button
                      type="button"
                      aria-label={words.editOf(safeText(of.name))}
                      onClick={() => setEdited(of.name)}
                    >
                      {words.edit}
                    </button>
                    {of.source === "override" && (
                      <button type="button" title={words.resetHelp} onClick={() => reset(of.name)}>
                        {words.reset}
                      </button>
                    )}
                  </td>
                )}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {rule !== undefined && (
        <Editor
          key={rule.name}
          rule={rule}
          save={(body) => view.save(rule.name, body)}
          done={(saved) => {
            setEdited(null);
            if (saved) say(words.saved(safeText(rule.name)));
          }}
        />
      )}
    </>
  );
}

function limitsOf({ metric, warn, crit, below }: Rule, units: Units): string {
  const write = (value: number | null): string =>
    value === null ? "–" : ruleValue(units, metric, value);
  return `${below ? `${words.under} ` : ""}${write(warn)}, ${write(crit)}`;
}

/** The hosts that a rule makes what they are. */
function Hits({ app, ids, units }: { app: App; ids: readonly string[]; units: Units }) {
  if (ids.length === 0) return <span class="note">{words.noHits}</span>;
  const more = ids.length - hitsShown;
  return (
    <span class="hits">
      {ids.slice(0, hitsShown).map((id) => (
        <button key={id} type="button" class="plain" onClick={() => app.go(hostPlace(id))}>
          <bdi>{safeText(id, 40)}</bdi>
        </button>
      ))}
      {more > 0 && <span class="note">+{units.count(more)}</span>}
    </span>
  );
}
