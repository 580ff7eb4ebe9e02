import { expect, it } from 'vitest';
import { aliasTrouble, keyIdOf, keyName, stateSentence } from './keys';

const ID = '1234abcd-12ab-34cd-56ef-1234567890ab';
const ALIASES = [{ AliasName: 'alias/calls', TargetKeyId: ID }, { AliasName: 'alias/none' }];

it('finds the key that each spelling means', () => {
  const arn = 'arn:aws:kms:us-west-2:111122223333:';
  for (const named of [ID, ID.toUpperCase(), `${arn}key/${ID}`, 'alias/calls', `${arn}alias/calls`]) expect(keyIdOf(named, ALIASES)).toBe(ID);
  for (const named of ['alias/none', 'alias/other', '']) expect(keyIdOf(named, ALIASES)).toBeUndefined();
  expect([keyName(ID, ALIASES), keyName('87654321-0', ALIASES)]).toEqual(['alias/calls', '87654321…']);
});

it('refuses names that no alias can have', () => {
  expect(aliasTrouble('customer-audio', ALIASES)).toBe('');
  for (const name of ['', 'a b', 'aws/x', 'calls', 'x'.repeat(251)]) expect(aliasTrouble(name, ALIASES)).not.toBe('');
});

it('says of a key that is off that nothing is lost', () => {
  expect(stateSentence({ KeyState: 'Disabled' }, 'alias/calls', 2)).toContain('Nothing is lost.');
  expect(stateSentence({ KeyState: 'Enabled' }, 'alias/calls', 1)).toBe('In use. 1 stream is encrypted under it.');
});
