import { SvelteMap } from 'svelte/reactivity';
import { ApiError, call, operationAddress } from '../api/request';
import { searchContacts, type ContactRecord, type ContactSummary } from '../api/tympan';
import { idOf } from '../api/connect';
import { delay, readFrame } from './frames';

export type FeedState = 'off' | 'connecting' | 'live' | 'reconnecting' | 'denied';
type Listener = (contact: ContactSummary | undefined, id: string | undefined, isNew: boolean) => void;

/** The live feed: one WebSocket a tab, which resumes after the last revision that was read. */
class Feed {
  state = $state<FeedState>('off');
  /** The calls that are up, by contact. */
  readonly live = new SvelteMap<string, ContactSummary>();
  /** Since when the feed has been away. */
  awaySince = $state<number | undefined>();
  isDenied = $state(false);
  #socket: WebSocket | undefined;
  #revision: string | undefined;
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #silence: ReturnType<typeof setTimeout> | undefined;
  readonly #listeners = new Set<Listener>();

  start(): void {
    if (this.state !== 'off') return;
    this.state = 'connecting';
    this.#connect();
  }

  stop(): void {
    clearTimeout(this.#timer);
    clearTimeout(this.#silence);
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.close();
    this.#revision = undefined;
    this.live.clear();
    this.state = 'off';
    this.awaySince = undefined;
    this.isDenied = false;
  }

  /** Hears of each contact that changes, and whether it is a call that begins; of nothing in particular after a time without the feed. Gives what ends it. */
  listen(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #connect(): void {
    const path = operationAddress('tympan', '/tympan/events', { since: this.#revision });
    const socket = new WebSocket(path.replace(/^/, `${location.origin.replace(/^http/, 'ws')}`));
    this.#socket = socket;
    socket.onmessage = (event: MessageEvent<unknown>) => this.#onFrame(socket, event.data);
    socket.onclose = (event) => socket === this.#socket && this.#onClose(event.code);
    this.#expect(socket);
  }

  /** The server sends a frame every 20 s; a connection that is silent for longer is dead. */
  #expect(socket: WebSocket): void {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => socket.close(), 45_000);
  }

  #onFrame(socket: WebSocket, data: unknown): void {
    if (socket !== this.#socket || typeof data !== 'string') return;
    this.#expect(socket);
    const frame = readFrame(data);
    if (!frame) return;
    const isNew = this.#revision === undefined;
    this.#revision = frame.Revision;
    if (frame.Type === 'Begin') {
      this.#failures = 0;
      this.state = 'live';
      this.awaySince = undefined;
      if (isNew) void this.#readLive();
    }
    if (frame.Type !== 'Event') return;
    const { Contact: contact, Id: id } = frame;
    const begins = contact?.State === 'LIVE' && !this.live.has(contact.ContactId);
    if (contact) {
      if (contact.State === 'LIVE') this.live.set(contact.ContactId, contact);
      else this.live.delete(contact.ContactId);
    }
    for (const listener of this.#listeners) listener(contact, id, begins);
  }

  /** Calls that were up before the feed began. What the feed said meanwhile is newer. */
  async #readLive(): Promise<void> {
    try {
      const { Contacts } = await searchContacts({ State: 'LIVE', MaxResults: 1000 });
      const listed = new Set(Contacts.map((record) => record.ContactId));
      for (const id of this.live.keys()) if (!listed.has(id)) this.live.delete(id);
      for (const record of Contacts) if (!this.live.has(record.ContactId)) this.live.set(record.ContactId, summaryOf(record));
      this.isDenied = false;
    } catch (error) {
      this.isDenied = error instanceof Error && 'isDenied' in error && error.isDenied === true;
    }
    for (const listener of this.#listeners) listener(undefined, undefined, false);
  }

  #onClose(code: number): void {
    clearTimeout(this.#silence);
    const isRefused = this.state !== 'live';
    this.awaySince ??= Date.now();
    this.state = 'reconnecting';
    // The revision is no longer kept: everything is read again.
    if (code === 4010) this.#revision = undefined;
    const again = (): void => void (this.#timer = setTimeout(() => this.#connect(), delay(this.#failures++)));
    // The session is over or was ended: a request learns that, and a new connection would only be refused.
    if (code === 4001) return void this.#ask().then(() => this.state === 'reconnecting' && again());
    if (isRefused) void this.#ask();
    again();
  }

  /** Why there was no upgrade: a browser does not tell, but a request without one is refused for the same reason first. */
  async #ask(): Promise<void> {
    const reason = await call('tympan', '/tympan/events').catch((error: unknown) => error);
    if (!(reason instanceof ApiError) || this.state !== 'reconnecting') return;
    if (reason.isDenied) {
      clearTimeout(this.#timer);
      this.state = 'denied';
      this.awaySince = undefined;
      void this.#readLive();
    } else if (this.#failures >= 3) this.#revision = undefined;
  }
}

/** A record as an event tells it. */
export function summaryOf(record: ContactRecord): ContactSummary {
  return {
    ContactId: record.ContactId,
    InstanceId: idOf(record.InstanceARN),
    State: record.DisconnectTimestamp ? 'ENDED' : 'LIVE',
    InitiationTimestamp: record.InitiationTimestamp,
    ConnectedToSystemTimestamp: record.ConnectedToSystemTimestamp,
    DisconnectTimestamp: record.DisconnectTimestamp,
    DisconnectReason: record.DisconnectReason,
    CustomerNumber: record.CustomerEndpoint?.Address ?? null,
    SystemNumber: record.SystemEndpoint?.Address ?? null,
    ContactFlowId: null,
    Queue: record.Queue,
    Agent: record.Agent && { ...record.Agent, IsOnHold: false },
    Captures: (record.Recordings ?? []).map((recording) => ({
      StreamARN: recording.Location,
      StartFragmentNumber: recording.FragmentStartNumber,
      StopFragmentNumber: recording.FragmentStopNumber,
    })),
  };
}

export const feed = new Feed();
