import { text } from "../../text";
import type { PartProps } from "../part";

/** The rules that judge hosts. */
export default function RulesPage({ app }: PartProps) {
  return (
    <article class="rules-page" data-cut-off={app.cutOff}>
      <h2>{text.rules}</h2>
    </article>
  );
}
