/** Reads what a denial says: who may not do what, to what, and why. */
export interface Denial {
  principal: string;
  action: string;
  resource: string;
  /** A statement denies it; otherwise none allows it. */
  isExplicit: boolean;
}

const WORDS = /^User: (\S+) is not authorized to perform: (\S+) on resource: (\S+) (with an explicit deny|because no)/;

/** The services word a denial as AWS does; undefined for any other message. */
export function denialOf(message: string): Denial | undefined {
  const found = WORDS.exec(message);
  if (!found) return undefined;
  const [, principal = '', action = '', resource = '', why = ''] = found;
  return { principal, action, resource, isExplicit: why.startsWith('with') };
}

/** The statement that would allow it. */
export const statementFor = ({ action, resource }: Pick<Denial, 'action' | 'resource'>): Record<string, string> => ({ Effect: 'Allow', Action: action, Resource: resource });

/** What a person sends to those who keep the policies. */
export function requestFor(denial: Denial): string {
  const { principal, action, resource } = denial;
  const statement = JSON.stringify(statementFor(denial), undefined, 2);
  const change = denial.isExplicit ? 'A statement denies it: take this action out of it. It also needs a statement that allows it:' : 'This statement in one of its policies allows it:';
  return `${principal} needs ${action} on ${resource}.\n${change}\n${statement}\n`;
}
