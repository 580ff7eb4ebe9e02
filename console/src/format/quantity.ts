/** `1.9 MB`, `448 bytes`: decimal units. */
export function bytes(count: number): string {
  const units = ['kB', 'MB', 'GB', 'TB'];
  if (count < 1000) return `${count} ${count === 1 ? 'byte' : 'bytes'}`;
  let value = count / 1000;
  let unit = 0;
  while (value >= 999.95 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${value.toFixed(1)} ${units[unit]}`;
}

/** `1,600`. */
export const grouped = (count: number): string => String(count).replace(/\B(?=(\d{3})+$)/g, ',');

/** `1 call`, `2 calls`. */
export const counted = (count: number, one: string, many = `${one}s`): string => `${grouped(count)} ${count === 1 ? one : many}`;

/** `+1 206 555-0142` for numbers of North America; others as they are. */
export function phone(number: string | null | undefined): string {
  if (!number) return 'not given';
  const found = /^\+1(\d{3})(\d{3})(\d{4})$/.exec(number);
  return found ? `+1 ${found[1]} ${found[2]}-${found[3]}` : number;
}

/** `−28.9 dB`. */
export const decibels = (value: number): string => `${value < 0 ? '−' : ''}${Math.abs(value).toFixed(0)} dB`;
