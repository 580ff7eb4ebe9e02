import type { Alias, Key } from '../api/keys';

/** The id of the key that a name means: an id, an alias, or the ARN of either. An alias is followed to where it points now. */
export function keyIdOf(named: string, aliases: readonly Alias[]): string | undefined {
  const name = /^arn:[^:]*:kms:[^:]*:[^:]*:(.+)$/.exec(named)?.[1] ?? named;
  if (name.startsWith('alias/')) return aliases.find((alias) => alias.AliasName === name)?.TargetKeyId;
  return name.replace(/^key\//, '').toLowerCase() || undefined;
}

/** The key's first alias, or the begin of its id. */
export const keyName = (id: string, aliases: readonly Alias[]): string =>
  aliases.find((alias) => alias.TargetKeyId === id)?.AliasName ?? `${id.slice(0, 8)}…`;

const NAME = /^[A-Za-z0-9/_-]+$/;

/** What is wrong with the name of a new alias, which is entered without `alias/`; empty for one that is right. */
export function aliasTrouble(name: string, aliases: readonly Alias[]): string {
  if (name === '') return 'Enter a name.';
  if (!NAME.test(name)) return 'A name has letters, digits, and / _ - only.';
  if (name.startsWith('aws/')) return 'Names that begin with aws/ are the service’s own.';
  if (name.length > 250) return 'A name has 250 characters at most.';
  if (aliases.some((alias) => alias.AliasName === `alias/${name}`)) return 'There is such an alias: move it instead.';
  return '';
}

export const STATE_WORDS: Record<Key['KeyState'], string> = { Enabled: 'On', Disabled: 'Off', PendingDeletion: 'Deletion pending', Unavailable: 'Out of reach' };

/** What its state means for what it encrypts. */
export function stateSentence(key: Pick<Key, 'KeyState'>, name: string, streams: number): string {
  const those = streams === 0 ? 'No stream is encrypted under it.' : `${streams === 1 ? '1 stream is' : `${streams} streams are`} encrypted under it.`;
  switch (key.KeyState) {
    case 'Enabled':
      return `In use. ${those}`;
    case 'Disabled':
      return `The key ${name} is turned off, so what it encrypts can’t be read and stays sealed. Nothing is lost. New calls into its streams take the Error branch of Start media streaming. ${those}`;
    case 'PendingDeletion':
      return `The key ${name} can’t be used, and is destroyed at its date: what it encrypts can’t be read again by anyone after that. ${those}`;
    default:
      return `The key ${name} is out of reach. Nothing is lost; what was in use within the last 5 minutes goes on. ${those}`;
  }
}
