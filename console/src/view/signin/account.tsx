import type { App } from "../../app";
import type { Format } from "../../model/format";
import { words } from "../../words/account";

/** Who uses the page, and the way out. Nothing where the node asks nobody who they are. */
export function Account({ app, format }: { app: App; format: Format }) {
  const { who } = app;
  if (who === null || app.needsSignIn || (who.anonymous && who.role === "admin")) return null;
  if (who.anonymous) {
    return (
      <button type="button" class="account" onClick={() => app.askSignIn()}>
        {words.signIn}
      </button>
    );
  }
  return (
    <span class="account">
      {words.as(who.name, words.roles[who.role])}
      {who.expires > 0 && ` ${words.expires(format.moment(who.expires))}`}{" "}
      {app.token !== null && (
        <button type="button" onClick={() => app.signOut()}>
          {words.signOut}
        </button>
      )}
    </span>
  );
}
