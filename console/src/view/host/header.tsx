import { useEffect, useRef, useState } from "preact/hooks";
import type { App } from "../../app";
import { flagsOf } from "../../model/host";
import { fleetPlace, hostPlace } from "../../model/route";
import { ruleValue } from "../../model/rule_value";
import { safeText } from "../../model/safe";
import type { Units } from "../../model/units";
import { RestError } from "../../net/rest";
import { text } from "../../text";
import { words } from "../../words/host";
import { Shape } from "../shape";
import type { HostView } from "./host_view";
import type { Standing } from "./standing";

interface HeaderProps {
  app: App;
  id: string;
  standing: Standing;
  view: HostView;
  units: Units;
  /** The node's wall clock, ms. */
  now: number;
}

/** Who this is, how it is, and where one may go from here. */
export function Header({ app, id, standing, view, units, now }: HeaderProps) {
  const { row, before, after, place, of } = standing;
  const name = row?.facts.name || view.identity?.host || id;
  const title = safeText(name);
  const region = row?.facts.region || view.identity?.region || "";
  const tags = row?.facts.tags.length ? row.facts.tags : (view.identity?.tags ?? []);
  const flags = flagsOf(row?.flags ?? 0);
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), [id]);
  const go = (to: string | null): void => {
    if (to !== null) app.go(hostPlace(to));
  };
  return (
    <header class="host-head">
      <nav class="host-nav">
        <button type="button" aria-keyshortcuts="Escape" onClick={() => app.go(fleetPlace)}>
          <span aria-hidden="true">←</span> {words.back}
        </button>
        {place > 0 && (
          <span class="steps">
            <button
              type="button"
              aria-label={words.before}
              aria-keyshortcuts="ArrowLeft"
              disabled={before === null}
              onClick={() => go(before)}
            >
              ‹
            </button>
            <span class="place">{words.place(units.count(place), units.count(of))}</span>
            <button
              type="button"
              aria-label={words.after}
              aria-keyshortcuts="ArrowRight"
              disabled={after === null}
              onClick={() => go(after)}
            >
              ›
            </button>
          </span>
        )}
        <span class="acts">
          <CopyLink />
          {row?.state === "offline" && app.isAdmin && <Forget app={app} view={view} name={title} />}
        </span>
      </nav>
      <div class="who" data-state={row?.state ?? "gone"}>
        {row !== null && (
          <span class="state">
            <Shape of={row.state} />
            <span class="word">{text.state[row.state]}</span>
          </span>
        )}
        <h2 tabIndex={-1} ref={heading}>
          <bdi>{title}</bdi>
        </h2>
        {name !== id && <bdi class="id">{safeText(id)}</bdi>}
        {flags.map((flag) => (
          <span key={flag} class="badge" data-flag={flag} title={words.flagHelp[flag]}>
            {words.flag[flag]}
          </span>
        ))}
        {region !== "" && <bdi class="badge">{safeText(region)}</bdi>}
        {tags.map((tag) => (
          <bdi key={tag} class="badge">
            {safeText(tag)}
          </bdi>
        ))}
      </div>
      <Verdict
        standing={standing}
        view={view}
        units={units}
        now={now}
        age={row === null ? 0 : app.age(row.seenAt)}
      />
    </header>
  );
}

/** Why the host is as it is, and since when. */
function Verdict(
  props: Pick<HeaderProps, "standing" | "view" | "units" | "now"> & { age: number },
) {
  const { standing, view, units, now, age } = props;
  const { row } = standing;
  if (row === null) return null;
  const { rule, value, limit } = row.verdict;
  const logged = view.turns[0]?.to === row.state ? view.turns[0].at : 0;
  const since = row.verdict.since || logged || (row.state === "offline" ? view.since : 0);
  const sinceText =
    since > 0 ? ` ${words.since(units.time(since), units.duration((now - since) / 1000))}` : "";
  if (row.state === "offline") {
    const why = words.reason[view.reason] ?? "";
    return (
      <p class="verdict" data-state="offline">
        {since > 0
          ? words.offline(`${units.time(since)} (${units.duration((now - since) / 1000)})`)
          : words.offlineNoTime}{" "}
        {why}
      </p>
    );
  }
  if (row.state === "stale") {
    return (
      <p class="verdict" data-state="stale">
        {words.stale(units.duration(age / 1000))}
      </p>
    );
  }
  if (rule === "" || (row.state !== "warn" && row.state !== "crit")) return null;
  const said =
    Number.isNaN(value) || Number.isNaN(limit)
      ? words.verdictBare(safeText(rule))
      : words.verdict(safeText(rule), ruleValue(units, rule, value), ruleValue(units, rule, limit));
  return (
    <p class="verdict" data-state={row.state}>
      {said}
      {sinceText}
    </p>
  );
}

/** Copies the address of this page; where the browser does not allow that, shows it to be copied. */
function CopyLink() {
  const [said, setSaid] = useState<"" | "copied" | "by hand">("");
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    field.current?.select();
    if (said !== "copied") return;
    const end = setTimeout(() => setSaid(""), 2000);
    return () => clearTimeout(end);
  }, [said]);
  const link = `${location.origin}${location.pathname}`;
  const copy = (): void => {
    const board = (navigator as { clipboard?: Clipboard }).clipboard;
    if (board === undefined) {
      setSaid("by hand");
      return;
    }
    board.writeText(link).then(
      () => setSaid("copied"),
      () => setSaid("by hand"),
    );
  };
  return (
    <>
      <button type="button" onClick={copy}>
        {said === "copied" ? words.copied : words.copy}
      </button>
      {said === "by hand" && (
        <input class="link" ref={field} readOnly aria-label={words.copyByHand} value={link} />
      )}
      <span class="unseen" role="status">
        {said === "copied" ? words.copied : ""}
      </span>
    </>
  );
}

/** Takes an offline host out of the fleet, after a question. */
function Forget({ app, view, name }: { app: App; view: HostView; name: string }) {
  const [asking, setAsking] = useState(false);
  const [failed, setFailed] = useState("");
  const forget = (): void => {
    view.forget().then(
      () => app.go(fleetPlace),
      (error: unknown) => {
        setAsking(false);
        const { status, message } = error instanceof RestError ? error : { status: 0, message: "" };
        setFailed(status === 409 ? words.forgetConnected : message || words.noAnswer);
      },
    );
  };
  if (!asking) {
    return (
      <>
        <button type="button" onClick={() => setAsking(true)}>
          {words.forget}
        </button>
        {failed !== "" && <span role="alert">{words.forgetFailed(safeText(failed, 160))}</span>}
      </>
    );
  }
  return (
    <span class="ask" role="group" aria-label={words.forget}>
      <span>{words.forgetAsk(name)}</span>
      <button type="button" class="bad" onClick={forget}>
        {words.forgetYes}
      </button>
      <button type="button" onClick={() => setAsking(false)}>
        {words.forgetNo}
      </button>
    </span>
  );
}
