/** KMS, as far as the console uses it: docs/kms.md. */
import { call, type Options } from './request';

type Signal = Pick<Options, 'signal'>;

export type KeyState = 'Enabled' | 'Disabled' | 'PendingDeletion' | 'Unavailable';

export interface Key {
  KeyId: string;
  Arn: string;
  CreationDate: number;
  Description: string;
  KeyState: KeyState;
  KeyManager: 'AWS' | 'CUSTOMER';
  DeletionDate?: number;
}

export interface Alias {
  AliasName: string;
  TargetKeyId?: string;
}

export interface RotationStatus {
  KeyRotationEnabled: boolean;
  RotationPeriodInDays?: number;
  NextRotationDate?: number;
}

export interface Rotation {
  KeyMaterialId: string;
  KeyMaterialState: 'CURRENT' | 'NON_CURRENT';
  RotationDate?: number;
  RotationType?: 'AUTOMATIC' | 'ON_DEMAND';
}

const kms = <T>(operation: string, body: Record<string, unknown> = {}, options: Signal = {}): Promise<T> =>
  call('kms', '/', { ...options, method: 'POST', body, headers: { 'x-amz-target': `TrentService.${operation}`, 'content-type': 'application/x-amz-json-1.1' } });

/** All pages of a list. */
async function all<T>(operation: string, member: string, body: Record<string, unknown>, options: Signal): Promise<T[]> {
  const found: T[] = [];
  let marker: string | undefined;
  do {
    const page = await kms<Record<string, unknown>>(operation, { ...body, ...(marker && { Marker: marker }) }, options);
    found.push(...((page[member] as T[] | undefined) ?? []));
    marker = page['Truncated'] === true ? (page['NextMarker'] as string | undefined) : undefined;
  } while (marker && found.length < 5_000);
  return found;
}

export const listKeys = (options: Signal = {}): Promise<{ KeyId: string; KeyArn: string }[]> => all('ListKeys', 'Keys', {}, options);

export const listAliases = (options: Signal = {}): Promise<Alias[]> => all('ListAliases', 'Aliases', {}, options);

export const describeKey = async (key: string, options: Signal = {}): Promise<Key> => (await kms<{ KeyMetadata: Key }>('DescribeKey', { KeyId: key }, options)).KeyMetadata;

export const rotationStatus = (key: string, options: Signal = {}): Promise<RotationStatus> => kms('GetKeyRotationStatus', { KeyId: key }, options);

/** What a key encrypts with now and did before, the oldest first. */
export const listRotations = (key: string, options: Signal = {}): Promise<Rotation[]> =>
  all('ListKeyRotations', 'Rotations', { KeyId: key, IncludeKeyMaterial: 'ALL_KEY_MATERIAL' }, options);

export const createKey = async (description: string): Promise<Key> => (await kms<{ KeyMetadata: Key }>('CreateKey', { Description: description })).KeyMetadata;
export const describeAs = (key: string, description: string): Promise<unknown> => kms('UpdateKeyDescription', { KeyId: key, Description: description });
export const enableKey = (key: string): Promise<unknown> => kms('EnableKey', { KeyId: key });
export const disableKey = (key: string): Promise<unknown> => kms('DisableKey', { KeyId: key });
export const rotateKey = (key: string): Promise<unknown> => kms('RotateKeyOnDemand', { KeyId: key });
export const enableRotation = (key: string, days: number): Promise<unknown> => kms('EnableKeyRotation', { KeyId: key, RotationPeriodInDays: days });
export const disableRotation = (key: string): Promise<unknown> => kms('DisableKeyRotation', { KeyId: key });
export const scheduleDeletion = (key: string, days: number): Promise<{ DeletionDate: number }> => kms('ScheduleKeyDeletion', { KeyId: key, PendingWindowInDays: days });
export const cancelDeletion = (key: string): Promise<unknown> => kms('CancelKeyDeletion', { KeyId: key });
export const createAlias = (alias: string, key: string): Promise<unknown> => kms('CreateAlias', { AliasName: alias, TargetKeyId: key });
export const moveAlias = (alias: string, key: string): Promise<unknown> => kms('UpdateAlias', { AliasName: alias, TargetKeyId: key });
export const deleteAlias = (alias: string): Promise<unknown> => kms('DeleteAlias', { AliasName: alias });
