import type { App } from "../app";
import type { Format } from "../model/format";
import { text } from "../text";

/** What stands in place of rows when there are none, with the way on. */
export function Empty({ app, format }: { app: App; format: Format }) {
  const total = app.fleet.size;
  if (total > 0) {
    return (
      <div class="empty">
        <h2>{text.noMatchTitle}</h2>
        <p>{text.noMatchHelp(format.count(total), total === 1)}</p>
        <button type="button" onClick={() => app.showAll()}>
          {text.clearFilter}
        </button>
      </div>
    );
  }
  if (app.cutOff) {
    return (
      <div class="empty">
        <h2>{text.waitingTitle}</h2>
        <p>{text.waitingHelp}</p>
      </div>
    );
  }
  return (
    <div class="empty">
      <h2>{text.emptyTitle}</h2>
      <p>{text.emptyHelp}</p>
      <code>{text.agentCommand(app.config?.url ?? "")}</code>
    </div>
  );
}
