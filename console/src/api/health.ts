/** How the server is: docs/admin.md. */
import { call, type Options } from './request';

type Signal = Pick<Options, 'signal'>;

export interface Sink {
  Name: string;
  Kind: 'RECORDS' | 'EVENTS' | 'FLOW_LOG' | 'AUDIT';
  /** FAILING: it did not take what it was given last. */
  State: 'OK' | 'FAILING' | 'OFF';
  Waiting: number;
  OldestWaiting: string | null;
  LastError: { Time: string; Message: string } | null;
  /** Lines that were lost, or records that were set aside, since the start. */
  Lost: number;
}

export interface KeyHealth {
  KeyId: string;
  Aliases: string[];
  State: 'Enabled' | 'Disabled' | 'PendingDeletion' | 'Unavailable';
  Detail: string | null;
}

export interface LoggedError {
  Time: string;
  Level: 'WARN' | 'ERROR';
  Target: string;
  Message: string;
}

export interface Disk {
  FreeBytes: number;
  TotalBytes: number;
  UsedBytes: number;
  /** Null in the store's first hour. */
  BytesPerDay: number | null;
  /** Null in the first hour, and where the disk does not fill. */
  DaysLeft: number | null;
}

export interface Health {
  Time: string;
  Since: string;
  Calls: { Live: number; Limit: number };
  /** In use by calls; the account's limit, null for any number; those that the account has. */
  Streams: { InUse: number; Limit: number | null; Kept: number };
  Listeners: number;
  EventReaders: number;
  Disk: Disk | null;
  KeyProvider: 'LOCAL' | 'EXTERNAL';
  Keys: KeyHealth[];
  Sinks: Sink[];
  /** Since the start. */
  Capture: {
    SamplesCaptured: number;
    PacketsLost: number;
    SamplesOverrun: number;
    StartsFailed: number;
    CapturesDisplaced: number;
    CapturesCutOff: number;
    BytesRefused: number;
    FragmentsRefused: number;
  };
  /** Newest first. */
  Errors: LoggedError[];
}

export type Source = 'DEFAULT' | 'FILE' | 'ENVIRONMENT' | 'FLAG' | 'DEV';

export interface Setting {
  /** Its dotted path. */
  Key: string;
  /** As TOML writes it; null for a secret that is set. */
  Value: string | null;
  IsSecret: boolean;
  Source: Source;
  /** The file with its line, the variable or the flag; null for a default. */
  From: string | null;
}

export interface Finding {
  check: string;
  state: 'ok' | 'warning' | 'problem';
  what: string;
  why: string;
  do: string;
}

export interface Backup {
  Status: 'NONE' | 'RUNNING' | 'COMPLETE' | 'FAILED';
  Directory?: string;
  DoneBytes?: number;
  TotalBytes?: number;
  Report?: unknown;
  Message?: string;
}

export interface Expiry {
  Status: 'RUNNING' | 'HELD';
  Now: string;
  BelievedTime: string;
  ClearsInSeconds?: number;
}

export interface Version {
  Version: string;
  StartTimestamp: string;
  Now: string;
}

export const getHealth = (options: Signal = {}): Promise<Health> => call('tympan', '/tympan/health', options);
export const getConfiguration = (options: Signal = {}): Promise<{ Settings: Setting[] }> => call('tympan', '/tympan/configuration', options);
export const runDoctor = (): Promise<{ Findings: Finding[] }> => call('tympan', '/tympan/doctor', { method: 'POST', body: {} });
export const describeBackup = (options: Signal = {}): Promise<Backup> => call('tympan', '/tympan/backup', options);
export const startBackup = (wanted: { Directory: string; Copies: boolean; WithKeys: boolean }): Promise<Backup> => call('tympan', '/tympan/backup', { method: 'POST', body: wanted });
export const describeExpiry = (options: Signal = {}): Promise<Expiry> => call('tympan', '/tympan/expiry', options);
export const confirmClock = (): Promise<Expiry> => call('tympan', '/tympan/expiry/clock', { method: 'POST', body: {} });
export const getVersion = (options: Signal = {}): Promise<Version> => call('tympan', '/tympan/version', options);
