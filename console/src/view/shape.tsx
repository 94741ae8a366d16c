import type { HostState } from "../model/host";

/** A state's shape. Its word stands beside it, so it is not spoken. */
export function Shape({ of }: { of: HostState }) {
  return (
    <svg class="shape" data-state={of} viewBox="0 0 12 12" aria-hidden="true">
      {of === "ok" && <circle cx="6" cy="6" r="4" />}
      {of === "warn" && <path d="M6 1.2 11.4 10.8H.6z" />}
      {of === "crit" && <path d="M6 .2 11.8 6 6 11.8.2 6z" />}
      {of === "stale" && (
        <>
          <circle class="ring" cx="6" cy="6" r="4.2" />
          <path d="M6 1.8a4.2 4.2 0 0 1 0 8.4z" />
        </>
      )}
      {of === "offline" && <path class="ring" d="m2 2 8 8M10 2l-8 8" />}
      {of === "gone" && <circle class="ring" cx="6" cy="6" r="3.5" />}
    </svg>
  );
}
