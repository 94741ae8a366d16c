import { useState } from "preact/hooks";
import type { App } from "../../app";
import type { Mute } from "../../model/rule";
import { safeText } from "../../model/safe";
import type { Units } from "../../model/units";
import { words } from "../../words/rules";
import { type RulesView, whyOf } from "./rules_view";

interface MutesProps {
  app: App;
  view: RulesView;
  units: Units;
  mayChange: boolean;
  say: (said: string) => void;
}

/** What is muted, until when and why; and more of it. */
export function Mutes({ app, view, units, mayChange, say }: MutesProps) {
  const end = (mute: Mute): void => {
    view.unmute(mute.id).then(
      () => say(words.unmuted),
      (error: unknown) => say(words.notSaved(whyOf(error))),
    );
  };
  return (
    <section>
      <h3>{words.mutes}</h3>
      <p class="note">{words.mutesIntro}</p>
      {view.mutes.length === 0 ? (
        <p class="note">{words.noMutes}</p>
      ) : (
        <div class="scroll" tabIndex={0} role="region" aria-label={words.mutes}>
          <table>
            <thead>
              <tr>
                <th scope="col">{words.match}</th>
                <th scope="col">{words.until}</th>
                <th scope="col">{words.reason}</th>
                {mayChange && <td />}
              </tr>
            </thead>
            <tbody>
              {view.mutes.map((mute) => (
                <tr key={mute.id}>
                  <th scope="row">
                    {mute.match === "" ? words.everyHost : <code>{safeText(mute.match, 200)}</code>}
                  </th>
                  <td>{endOf(mute, units)}</td>
                  <td>{mute.reason}</td>
                  {mayChange && (
                    <td class="acts">
                      <button
                        type="button"
                        aria-label={words.unmuteOf(safeText(mute.match || words.everyHost, 60))}
                        onClick={() => end(mute)}
                      >
                        {words.unmute}
                      </button>
                    </td>
                  )}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {mayChange && <Add app={app} view={view} say={say} />}
    </section>
  );
}

function endOf({ until, weekly }: Mute, units: Units): string {
  const each = weekly.join(", ");
  if (until === null) return each === "" ? words.forever : each;
  return `${units.time(until)}${each === "" ? "" : ` (${each})`}`;
}

function Add({ app, view, say }: Pick<MutesProps, "app" | "view" | "say">) {
  const [match, setMatch] = useState(app.query.q);
  const [seconds, setSeconds] = useState("3600");
  const [reason, setReason] = useState("");
  const [problem, setProblem] = useState("");
  const onSubmit = (event: Event): void => {
    event.preventDefault();
    view.mute(match.trim(), Number(seconds), reason.trim()).then(
      () => {
        setProblem("");
        setReason("");
        say(words.muted);
      },
      (error: unknown) => setProblem(words.notSaved(whyOf(error))),
    );
  };
  return (
    <form class="add" onSubmit={onSubmit}>
      <label class="long">
        {words.muteMatch}
        <input
          value={match}
          maxLength={512}
          placeholder={words.muteMatchHint}
          spellcheck={false}
          autocomplete="off"
          onInput={(event) => setMatch(event.currentTarget.value)}
        />
      </label>
      <label>
        {words.muteFor}
        <Durations value={seconds} choose={setSeconds} />
      </label>
      <label class="long">
        {words.muteReason}
        <input
          value={reason}
          maxLength={200}
          autocomplete="off"
          onInput={(event) => setReason(event.currentTarget.value)}
        />
      </label>
      <button type="submit" class="main">
        {words.muteAdd}
      </button>
      {match.trim() === "" && <p class="note">{words.muteAll}</p>}
      {problem !== "" && <p role="alert">{problem}</p>}
    </form>
  );
}

/** How long, of a few times. */
export function Durations({ value, choose }: { value: string; choose: (value: string) => void }) {
  return (
    <select value={value} onChange={(event) => choose(event.currentTarget.value)}>
      {Object.entries(words.durations).map(([seconds, name]) => (
        <option key={seconds} value={seconds}>
          {name}
        </option>
      ))}
    </select>
  );
}
