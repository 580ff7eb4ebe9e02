/** What all names begin with, up to a `-`: said once, above a list. Empty for a single name, and where it says little. */
export function commonPrefix(names: readonly string[]): string {
  const [first = ''] = names;
  if (names.length < 2) return '';
  let length = first.length;
  for (const name of names) {
    let same = 0;
    while (same < length && name[same] === first[same]) same++;
    length = same;
  }
  const cut = first.slice(0, length).lastIndexOf('-') + 1;
  return cut >= 6 ? first.slice(0, cut) : '';
}

/** How many leading digits all numbers share: they are dimmed, so that what differs is seen. */
export function sharedDigits(numbers: readonly string[]): number {
  const [first = ''] = numbers;
  if (numbers.length < 2) return 0;
  let length = first.length;
  for (const number of numbers) while (!number.startsWith(first.slice(0, length))) length--;
  return length;
}
