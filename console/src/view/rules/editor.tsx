import { useEffect, useRef, useState } from "preact/hooks";
import { bodyOf, type DraftProblem, draftOf, type Rule } from "../../model/rule";
import { safeText } from "../../model/safe";
import { words } from "../../words/rules";
import { whyOf } from "./rules_view";

function say(problem: DraftProblem): string {
  if (problem.kind === "levels") return words.levelsWrong;
  if (problem.kind === "none") return words.levelMissing;
  const names = {
    warn: words.warn,
    crit: words.crit,
    hold: words.holdSeconds,
    clearBy: words.clearBy,
  };
  return words.notANumber(names[problem.field]);
}

/** The form that changes a rule: its levels, how long, whether at all. */
export function Editor(props: {
  rule: Rule;
  save: (body: unknown) => Promise<void>;
  done: (saved: boolean) => void;
}) {
  const { rule, save, done } = props;
  const [draft, setDraft] = useState(draftOf(rule));
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => {
    form.current?.scrollIntoView({ block: "nearest" });
    form.current?.querySelector("input")?.focus();
  }, []);

  const onSubmit = (event: Event): void => {
    event.preventDefault();
    const made = bodyOf(rule, draft);
    if ("problem" in made) {
      setProblem(say(made.problem));
      return;
    }
    setBusy(true);
    save(made.body).then(
      () => done(true),
      (error: unknown) => {
        setBusy(false);
        setProblem(words.notSaved(whyOf(error)));
      },
    );
  };
  const field = (name: "warn" | "crit" | "hold" | "clearBy", label: string) => (
    <label>
      {label}
      <input
        inputMode="decimal"
        maxLength={16}
        value={draft[name]}
        onInput={(event) => setDraft({ ...draft, [name]: event.currentTarget.value })}
      />
    </label>
  );
  return (
    <form
      class="editor"
      ref={form}
      aria-label={words.editOf(safeText(rule.name))}
      onSubmit={onSubmit}
      onKeyDown={(event) => event.key === "Escape" && done(false)}
    >
      <h3>{safeText(rule.name)}</h3>
      <div class="fields">
        {field("warn", words.warn)}
        {field("crit", words.crit)}
        {field("hold", words.holdSeconds)}
        {field("clearBy", words.clearBy)}
        <label class="check">
          <input
            type="checkbox"
            checked={draft.enabled}
            onChange={(event) => setDraft({ ...draft, enabled: event.currentTarget.checked })}
          />
          {words.enabled}
        </label>
      </div>
      {problem !== "" && <p role="alert">{problem}</p>}
      <div class="acts">
        <button type="submit" class="main" disabled={busy}>
          {words.save}
        </button>
        <button type="button" onClick={() => done(false)}>
          {words.cancel}
        </button>
      </div>
    </form>
  );
}
