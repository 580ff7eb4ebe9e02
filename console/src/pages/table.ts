/** Which component shows which page: a page is one line here. Pages are loaded when they are opened. */
import type { Component } from 'svelte';
import type { Route } from '../routing/routes';

type Shown = Exclude<Route['page'], 'sign-in' | 'not-found'>;

export interface Page {
  /** As it stands in the history and in lists of windows. */
  title: string;
  // The properties of a component are those of its route: `properties` below.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  load: () => Promise<{ default: Component<any> }>;
  properties: (route: Route) => Record<string, string>;
}

/** What a route has beside its page. */
const properties = ({ page: _, ...rest }: Route): Record<string, string> => rest;

const page = (title: string, load: Page['load']): Page => ({ title, load, properties });

export const PAGES: Record<Shown, Page> = {
  overview: page('Overview', () => import('./Overview.svelte')),
  wallboard: page('Wallboard', () => import('./Wallboard.svelte')),
  contacts: page('Contacts', () => import('./Contacts.svelte')),
  contact: page('Contact', () => import('./Contact.svelte')),
  streams: page('Streams', () => import('./Streams.svelte')),
  stream: page('Stream', () => import('./Stream.svelte')),
  keys: page('Keys', () => import('./Keys.svelte')),
  instances: page('Instances', () => import('./Instances.svelte')),
  'data-storage': page('Data storage', () => import('./DataStorage.svelte')),
  flows: page('Flows', () => import('./Flows.svelte')),
  flow: page('Flow', () => import('./Flow.svelte')),
  'phone-numbers': page('Phone numbers', () => import('./PhoneNumbers.svelte')),
  queues: page('Queues and hours', () => import('./Queues.svelte')),
  users: page('Users', () => import('./Users.svelte')),
  prompts: page('Prompts', () => import('./Prompts.svelte')),
  functions: page('Functions and bots', () => import('./Functions.svelte')),
  access: page('Access', () => import('./Access.svelte')),
  audit: page('Audit', () => import('./Audit.svelte')),
  health: page('Health', () => import('./Health.svelte')),
};
