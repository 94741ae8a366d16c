/** A cell of the grid: row 0 is the head. */
export interface Cell {
  readonly row: number;
  readonly column: number;
}

export interface Bounds {
  /** Rows without the head. */
  readonly rows: number;
  readonly columns: number;
  /** Rows that fit the viewport. */
  readonly page: number;
}

/** Where a key leads from a cell, or `null` when the key has no meaning in a grid. */
export function moveTo(from: Cell, key: string, ctrl: boolean, bounds: Bounds): Cell | null {
  const row = (value: number): number => Math.min(Math.max(value, 0), bounds.rows);
  const column = (value: number): number => Math.min(Math.max(value, 0), bounds.columns - 1);
  const page = Math.max(1, bounds.page - 1);
  switch (key) {
    case "ArrowUp":
      return { row: row(from.row - 1), column: from.column };
    case "ArrowDown":
      return { row: row(from.row + 1), column: from.column };
    case "ArrowLeft":
      return { row: from.row, column: column(from.column - 1) };
    case "ArrowRight":
      return { row: from.row, column: column(from.column + 1) };
    case "PageUp":
      return { row: row(Math.max(from.row - page, Math.min(1, from.row))), column: from.column };
    case "PageDown":
      return { row: row(from.row + page), column: from.column };
    case "Home":
      return { row: ctrl ? row(1) : from.row, column: 0 };
    case "End":
      return { row: ctrl ? row(bounds.rows) : from.row, column: column(bounds.columns) };
    default:
      return null;
  }
}
