import type { AccessKey, Decision, PolicyText, Role } from '../api/access';

/** Actions that are asked for often; any other can be typed. */
export const ACTIONS = [
  'kinesisvideo:GetMedia', 'kinesisvideo:GetMediaForFragmentList', 'kinesisvideo:ListFragments', 'kinesisvideo:DescribeStream', 'kinesisvideo:ListStreams', 'kinesisvideo:PutMedia', 'kinesisvideo:CreateStream', 'kinesisvideo:DeleteStream',
  'connect:ListInstances', 'connect:UpdateInstanceStorageConfig', 'connect:UpdateContactFlowContent', 'connect:UpdateContactAttributes', 'connect:MonitorContact', 'connect:StopContact',
  'kms:Decrypt', 'kms:CreateKey', 'kms:DisableKey', 'kms:ScheduleKeyDeletion',
  'tympan:SearchContacts', 'tympan:DescribeContact', 'tympan:GetWaveform', 'tympan:GetAudio', 'tympan:ListenContact', 'tympan:DeleteContact', 'tympan:WatchEvents', 'tympan:ListStreams',
  'tympan:GetHealth', 'tympan:GetConfiguration', 'tympan:ListAuditLines', 'tympan:ListAccessKeys', 'tympan:ListPolicies', 'tympan:StartBackup', 'tympan:RunDoctor',
] as const;

/** What a short name of a resource means for an action: `stream/calls-1` becomes its ARN. */
export function resourceOf(text: string, action: string, { region, account }: { region: string; account: string }): string {
  const name = text.trim();
  if (name === '' || name === '*') return '*';
  const service = action.split(':')[0];
  if (name.startsWith('arn:') || !service || service === '*' || !name.includes('/')) return name;
  if (name.startsWith('role/')) return `arn:aws:iam::${account}:${name}`;
  // The ARN of a stream ends in the time of its creation.
  const isStream = service === 'kinesisvideo' && /^stream\/[^/]+$/.test(name);
  return `arn:aws:${service}:${region}:${account}:${name}${isStream ? '/*' : ''}`;
}

/** What to change so that the answer is another one. */
export function change(decision: Decision, action: string, policies: readonly string[]): string {
  const where = policies.length === 0 ? 'a policy of this user, who has none' : policies.length === 1 ? `policy ${policies[0]}` : `one of the policies ${policies.join(', ')}`;
  switch (decision.Decision) {
    case 'ALLOWED':
      return decision.Policy === null ? '' : `To forbid it, take ${action} out of Statement[${decision.Statement ?? 0}] of policy ${decision.Policy}, or add a statement with "Effect": "Deny".`;
    case 'EXPLICIT_DENY':
      return `To allow it, take ${action} out of Statement[${decision.Statement ?? 0}] of policy ${decision.Policy ?? 'of this user'}, or narrow the Resource or the Condition of that statement. A statement that denies wins over all that allow.`;
    default:
      return `To allow it, add this statement to ${where}. Built-in policies can’t be changed: copy one under another name.`;
  }
}

/** Whom a question can be about: users, and the keys one by one of those whose keys differ. */
export function askable(keys: readonly AccessKey[]): { value: string; name: string }[] {
  return usersOf(keys).flatMap((user) => {
    const own = keys.filter((key) => key.User === user);
    const isSame = new Set(own.map((key) => [...key.Policies].sort().join('\n'))).size === 1;
    return isSame ? [{ value: user, name: user }] : own.map((key) => ({ value: key.AccessKeyId, name: `${user}, ${key.AccessKeyId}` }));
  });
}

export const usersOf = (keys: readonly AccessKey[]): string[] => [...new Set(keys.map((key) => key.User))].sort();

/** The policies of a user, over all of its keys. */
export const policiesOf = (keys: readonly AccessKey[], user: string): string[] => [...new Set(keys.filter((key) => key.User === user).flatMap((key) => key.Policies))].sort();

/** Who has a policy: users and roles. */
export function holders(policy: PolicyText, keys: readonly AccessKey[], roles: readonly Role[]): string[] {
  const users = usersOf(keys.filter((key) => key.Policies.includes(policy.Name)));
  return [...users, ...roles.filter((role) => role.Policies.includes(policy.Name)).map((role) => `role ${role.Name}`)];
}

const SERVICES: Record<string, string> = { kinesisvideo: 'streams', connect: 'Connect', kms: 'keys', sts: 'roles', lex: 'bots', tympan: 'contacts and system' };

/** What a policy allows, in short: `everything`, or of which services it speaks. */
export function inShort(document: unknown): string {
  const statements = [(document as { Statement?: unknown } | null)?.Statement ?? []].flat() as Record<string, unknown>[];
  const actions = statements.filter((one) => one['Effect'] === 'Allow').flatMap((one) => ([one['Action'] ?? []].flat() as string[]));
  const isNarrow = statements.some((one) => one['Effect'] === 'Deny' || one['Condition'] !== undefined || one['NotAction'] !== undefined || one['NotResource'] !== undefined || [one['Resource'] ?? '*'].flat().some((resource) => resource !== '*'));
  const but = isNarrow ? ', with conditions' : '';
  if (actions.includes('*')) return `everything${but}`;
  const services = [...new Set(actions.map((action) => action.split(':')[0]?.toLowerCase() ?? ''))].map((service) => SERVICES[service] ?? service);
  const isReading = actions.length > 0 && actions.every((action) => /^[^:]+:(Describe|Get|List|Search|Watch)/i.test(action));
  return services.length === 0 ? 'nothing by itself' : `${isReading ? 'read ' : ''}${services.join(', ')}${but}`;
}
