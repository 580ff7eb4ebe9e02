/** The prefix as an administrator entered it: the service gives `PREFIX-connect-ALIAS-contact-`. */
export function plainPrefix(given: string, alias: string): string {
  const decoration = `-connect-${alias}-contact-`;
  return given.endsWith(decoration) ? given.slice(0, -decoration.length) : given;
}

/** What names of streams begin with. */
export const streamPrefix = (prefix: string, alias: string): string => `${prefix || 'PREFIX'}-connect-${alias}-contact-`;

/** What a prefix may not be; empty for one that is right. */
export function prefixTrouble(prefix: string): string {
  if (prefix === '') return 'Enter a prefix.';
  if (!/^[A-Za-z0-9_.-]+$/.test(prefix)) return 'A prefix has letters, digits, and _ . - only.';
  if (prefix.length > 128) return 'A prefix has 128 characters at most.';
  return '';
}

export type Unit = 'hours' | 'days';

/** A retention in the largest unit that has it whole. */
export function inUnit(hours: number): { number: number; unit: Unit } {
  return hours >= 48 && hours % 24 === 0 ? { number: hours / 24, unit: 'days' } : { number: hours, unit: 'hours' };
}

export const MOST_HOURS = 87_600;

/** Hours of a number and a unit; undefined for what is no retention. */
export function inHours(number: number | undefined | null, unit: Unit): number | undefined {
  if (number === undefined || number === null || !Number.isInteger(number) || number < 1) return undefined;
  const hours = unit === 'days' ? number * 24 : number;
  return hours <= MOST_HOURS ? hours : undefined;
}
