/** The order of rows that change by themselves: while it is held, rows keep their places and new ones wait. */
export function keepOrder(shown: readonly string[], wanted: readonly string[], isHeld: boolean): string[] {
  if (!isHeld) return [...wanted];
  const there = new Set(wanted);
  return shown.filter((key) => there.has(key));
}
