import type { HostState } from "../model/host";

/** A state's shape: a disc, a triangle, a ring. Its word stands beside it, so it is not spoken. */
export function Shape({ of }: { of: HostState }) {
  return (
    <svg class="shape" data-state={of} viewBox="0 0 12 12" aria-hidden="true">
      {of === "ok" && <circle cx="6" cy="6" r="4" />}
      {of === "stale" && <path d="M6 1.2 11.4 10.8H.6z" />}
      {of === "gone" && <circle class="ring" cx="6" cy="6" r="3.5" />}
    </svg>
  );
}
