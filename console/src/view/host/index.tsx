import { safeText } from "../../model/safe";
import type { HostPartProps } from "../part";

/** Everything about one host. */
export default function HostPage({ id }: HostPartProps) {
  return (
    <article class="host-page">
      <h2>{safeText(id)}</h2>
    </article>
  );
}
