/** Access keys and policies of the configuration, as the service `tympan` tells of them: docs/admin.md. */
import { call, type Options } from './request';

type Signal = Pick<Options, 'signal'>;

export interface AccessKey {
  AccessKeyId: string;
  User: string;
  UserARN: string;
  Account: string;
  Policies: string[];
  LastUsed: string | null;
  /** Since the server started. */
  Requests: number;
  Refusals: number;
}

export interface PolicyText {
  Name: string;
  IsBuiltIn: boolean;
  /** `built in`, the file of the document, or its place in the configuration. */
  From: string;
  Document: unknown;
}

export interface Role {
  Name: string;
  ARN: string;
  Policies: string[];
  AssumedBy: string[];
  SessionMaxSeconds: number;
}

/** A user is asked for by name where all of its keys have the same policies. */
export interface Question {
  User?: string;
  AccessKeyId?: string;
  Action: string;
  Resource: string;
  /** What conditions are compared with: not known, and false, unless given. */
  SourceAddress?: string;
  SecureTransport?: boolean;
}

export interface Decision {
  AccessKeyId: string;
  User: string;
  Decision: 'ALLOWED' | 'EXPLICIT_DENY' | 'IMPLICIT_DENY';
  Policy: string | null;
  Statement: number | null;
  Sid: string | null;
  Document: unknown;
  Explanation: string;
  /** What conditions were compared with. */
  Facts: { SourceAddress: string | null; SecureTransport: boolean; Region: string; Time: string };
}

/** A session of the console. */
export interface ConsoleSession {
  SessionId: string;
  User: string | null;
  UserARN: string;
  AccessKeyId: string | null;
  Began: string;
  Expires: string;
  LastUsed: string;
  SourceAddress: string;
  /** It is that of this page. */
  Current: boolean;
}

export const listAccessKeys = (options: Signal = {}): Promise<{ Since: string; AccessKeys: AccessKey[] }> => call('tympan', '/tympan/access-keys', options);

export const listPolicies = (options: Signal = {}): Promise<{ Policies: PolicyText[]; Roles: Role[] }> => call('tympan', '/tympan/policies', options);

export const simulatePolicy = (question: Question, options: Signal = {}): Promise<Decision> =>
  call('tympan', '/tympan/policies/simulate', { ...options, method: 'POST', body: question });

/** Those of the user alone need no permission. */
export const listSessions = (isOwn: boolean, options: Signal = {}): Promise<{ Sessions: ConsoleSession[]; Displaced: number }> =>
  call('tympan', '/tympan/sessions', { ...options, query: isOwn ? { own: 'true' } : {} });

export const endSession = (id: string): Promise<unknown> => call('tympan', `/tympan/sessions/${encodeURIComponent(id)}`, { method: 'DELETE' });
