import { text } from "../../text";
import type { PartProps } from "../part";

/** Asks for a token; `app.signIn(token)` tries it. */
export default function SignIn({ app }: PartProps) {
  return (
    <form
      class="sign-in"
      onSubmit={(event) => {
        event.preventDefault();
        const token = new FormData(event.currentTarget).get("token");
        if (typeof token === "string") app.signIn(token);
      }}
    >
      <label>
        {text.token} <input name="token" type="password" autocomplete="off" />
      </label>
    </form>
  );
}
