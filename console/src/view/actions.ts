import type { App } from "../app";
import { csvOf } from "../model/csv";
import { text } from "../text";

/** Gives the operator the hosts that are shown as a file. */
export function saveCsv(app: App): void {
  const csv = csvOf(app.fleet, app.arrangement.matched);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([csv], { type: "text/csv" }));
  link.download = text.csvName;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** Puts the address of what is shown on the clipboard. */
export function copyLink(): void {
  // Not there on pages without TLS; the address bar says the same.
  const clipboard = navigator.clipboard as Clipboard | undefined;
  void clipboard?.writeText(window.location.href).catch(() => {});
}
