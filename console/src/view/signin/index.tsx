import { useEffect, useRef, useState } from "preact/hooks";
import "../../style/signin.css";
import { words } from "../../words/signin";
import type { PartProps } from "../part";

/** Asks for a token. It stays out of the address and of what browsers fill in by themselves. */
export default function SignIn({ app }: PartProps) {
  const field = useRef<HTMLInputElement>(null);
  const [keep, setKeep] = useState(true);
  const [empty, setEmpty] = useState(false);
  useEffect(() => field.current?.focus(), [app.signInProblem]);
  const said = empty ? words.empty : words.problem[app.signInProblem ?? "missing"];
  return (
    <form
      class="sign-in"
      onSubmit={(event) => {
        event.preventDefault();
        const token = field.current?.value.trim() ?? "";
        setEmpty(token === "");
        if (token === "") return;
        if (field.current) field.current.value = "";
        app.signIn(token, keep);
      }}
    >
      <h2>{words.title}</h2>
      <p class="help">{words.help}</p>
      <label>
        {words.token}
        <input
          ref={field}
          type="password"
          autocomplete="off"
          spellcheck={false}
          maxLength={4096}
          aria-invalid={said !== ""}
          aria-describedby="sign-in-said"
        />
      </label>
      <p id="sign-in-said" role="alert">
        {said}
      </p>
      <label class="check" title={words.keepHelp}>
        <input
          type="checkbox"
          checked={keep}
          onChange={(event) => setKeep(event.currentTarget.checked)}
        />
        {words.keep}
      </label>
      <button type="submit" class="main">
        {words.submit}
      </button>
      {app.who !== null && (
        <button type="button" onClick={() => app.known(app.who)}>
          {words.cancel}
        </button>
      )}
    </form>
  );
}
