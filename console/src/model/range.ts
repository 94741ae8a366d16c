export interface Viewport {
  /** First visible pixel, counted from the top of the first row; may be negative. */
  readonly top: number;
  readonly height: number;
  readonly rowHeight: number;
  readonly count: number;
}

export interface Range {
  readonly first: number;
  /** One past the last. */
  readonly end: number;
}

/** Rows drawn beyond both edges, so that a short scroll shows no gap. */
export const overscan = 6;

/** The rows worth drawing. The first is even, so that scrolling by one row often changes nothing. */
export function visibleRange(view: Viewport): Range {
  if (view.count === 0 || view.rowHeight <= 0) return { first: 0, end: 0 };
  const clamp = (row: number): number => Math.min(Math.max(row, 0), view.count);
  const first = clamp(Math.floor(view.top / view.rowHeight) - overscan);
  const end = clamp(Math.ceil((view.top + view.height) / view.rowHeight) + overscan);
  return { first: first - (first % 2), end: Math.max(end, first) };
}

/**
 * How far to scroll so that a row lies within the viewport, below what sticks to its top. Zero when
 * it does already.
 */
export function scrollDelta(view: Viewport, row: number): number {
  const top = row * view.rowHeight - view.top;
  if (top < 0) return top;
  const bottom = top + view.rowHeight - view.height;
  return bottom > 0 ? Math.min(bottom, top) : 0;
}
