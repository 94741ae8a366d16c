/**
 * Characters that are not seen, or that change how their neighbours are shown: controls, format
 * characters (bidi marks, zero-width ones), lone surrogates, private use, line and paragraph
 * separators.
 */
const hidden = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/gu;

/** Code points of a peer's text that the table shows. */
export const labelLimit = 64;

/** Code points of a peer's text in a tooltip. */
export const titleLimit = 256;

/**
 * Text from a peer made fit to be shown: at most `limit` code points, an ellipsis for the rest,
 * and every hidden character spelt out as `\u{202e}`.
 */
export function safeText(value: string, limit: number = labelLimit): string {
  let end = 0;
  let count = 0;
  while (end < value.length && count < limit) {
    end += (value.codePointAt(end) ?? 0) > 0xffff ? 2 : 1;
    count += 1;
  }
  const cut = end < value.length ? `${value.slice(0, end)}…` : value;
  return cut.replace(hidden, (char) => `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`);
}

/** A peer's text as the page shows it. */
export interface Label {
  readonly short: string;
  /** The same, longer, for a tooltip. */
  readonly long: string;
}

export function makeLabel(value: string): Label {
  return { short: safeText(value, labelLimit), long: safeText(value, titleLimit) };
}
