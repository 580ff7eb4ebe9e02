import { denialOf } from '../format/denial';

/** Runs operations of the services as the signed-in user: `/api/<signing name>/<path of the service>`. */

export type Service = 'tympan' | 'connect' | 'kinesisvideo' | 'kms';

/** What an operation answered instead of its result. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    /** The service's own name of the error; empty where it gave none. */
    readonly code: string,
    message: string,
    readonly requestId: string,
    /** The body of the answer: some errors have more than a message. */
    readonly body: Readonly<Record<string, unknown>> = {},
  ) {
    super(message);
    this.name = 'ApiError';
  }

  /** A policy does not allow it. Kinesis Video Streams says so with 401. */
  get isDenied(): boolean {
    return this.code.startsWith('AccessDenied') || this.status === 403 || denialOf(this.message) !== undefined;
  }

  get isMissing(): boolean {
    return this.status === 404 || this.code === 'ResourceNotFoundException';
  }
}

/** Called once the session is over. */
let onSignedOut: () => void = () => {};
export const whenSignedOut = (callback: () => void): void => {
  onSignedOut = callback;
};

export interface Options {
  method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  body?: unknown;
  /** A body that is no JSON. */
  media?: Blob | undefined;
  query?: Record<string, string | number | undefined>;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

/** The address of an operation; values of the query that are undefined are left out. */
export function operationAddress(service: Service, path: string, query: Options['query'] = {}): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) search.append(name, String(value));
  const text = search.toString();
  return `/api/${service}${path}${text && `?${text}`}`;
}

/** Runs an operation. */
export const call = async <T>(service: Service, path: string, options: Options = {}): Promise<T> => (await read(await send(service, path, options))) as T;

/** Runs an operation whose result is no JSON. */
export async function callForBytes(service: Service, path: string, options: Options = {}): Promise<ArrayBuffer> {
  const response = await send(service, path, options);
  if (!response.ok) await read(response);
  return response.arrayBuffer();
}

function send(service: Service, path: string, options: Options): Promise<Response> {
  const { method = 'GET', body, media, query, headers = {}, signal } = options;
  const init: RequestInit = { method, headers: { ...headers }, credentials: 'same-origin', cache: 'no-store' };
  if (signal) init.signal = signal;
  if (body !== undefined) {
    init.body = JSON.stringify(body);
    init.headers = { 'content-type': 'application/json', ...headers };
  }
  if (media) {
    init.body = media;
    init.headers = { 'content-type': media.type, ...headers };
  }
  return reach(operationAddress(service, path, query), init);
}

/** Fetches; a server that does not answer is an error like the others. */
async function reach(address: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(address, init);
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new ApiError(0, '', 'The server does not answer.', '');
  }
}

async function read(response: Response): Promise<unknown> {
  const text = await response.text();
  let value: unknown;
  try {
    value = text ? JSON.parse(text) : {};
  } catch {
    value = {};
  }
  if (response.ok) return value;
  const error = refusal(response.status, response.headers, value);
  // The console itself names no error when there is no session; an operation that is denied has a name.
  if (error.status === 401 && error.code === '') onSignedOut();
  throw error;
}

/** Reads an error in each of the spellings of the services. */
export function refusal(status: number, headers: Pick<Headers, 'get'>, value: unknown): ApiError {
  const body = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
  const named = headers.get('x-amzn-errortype') ?? (typeof body['__type'] === 'string' ? body['__type'] : '');
  const code = named.replace(/^.*#/, '').replace(/[:,].*$/, '');
  const message = body['Message'] ?? body['message'];
  return new ApiError(status, code, typeof message === 'string' && message ? message : `The server answered ${status}.`, headers.get('x-amzn-requestid') ?? '', body);
}

export interface Session {
  user: string;
  account: string;
  region: string;
  expires: string;
}

const plain = async (path: string, method: string, body?: unknown): Promise<unknown> => {
  const init: RequestInit = { method, credentials: 'same-origin', cache: 'no-store' };
  if (body !== undefined) {
    init.body = JSON.stringify(body);
    init.headers = { 'content-type': 'application/json' };
  }
  const response = await reach(path, init);
  const text = await response.text();
  const value: unknown = text && response.headers.get('content-type')?.includes('json') ? JSON.parse(text) : {};
  if (!response.ok) throw refusal(response.status, response.headers, value);
  return value;
};

export type Credentials = { accessKeyId: string; secretAccessKey: string } | { code: string };

export const signIn = (credentials: Credentials): Promise<unknown> => plain('/api/sign-in', 'POST', credentials);
export const signOut = (): Promise<unknown> => plain('/api/sign-out', 'POST');
export const getSession = async (): Promise<Session> => (await plain('/api/session', 'GET')) as Session;
