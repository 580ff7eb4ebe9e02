import { router } from './router.svelte';
import { address, parameters } from './routes';

/** A parameter of the address; empty where it is not there. */
export const parameter = (name: string): string => new URLSearchParams(router.query).get(name) ?? '';

/** Goes to this page with other parameters; an empty one is left out. */
export const withParameters = (values: Record<string, string | undefined>): string => {
  const all: Record<string, string | undefined> = Object.fromEntries(new URLSearchParams(router.query));
  return address(router.path, parameters({ ...all, ...values }), router.fragment);
};

export const setParameters = (values: Record<string, string | undefined>, options: { replace?: boolean } = {}): void => router.go(withParameters(values), options);
