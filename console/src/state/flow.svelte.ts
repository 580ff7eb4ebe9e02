import { SvelteMap } from 'svelte/reactivity';
import { ApiError } from '../api/request';
import {
  checkFlow, deniedWhy, describeFlow, flowActivity, flowNumbers, isNotOffered, refusedProblems, updateContent, type FlowActivity, type FlowCheck, type FlowDescription, type FlowNumber,
} from '../api/flows';
import { indexJson } from '../flows/json';
import { signedIn } from './session.svelte';
import { placed, problemOfMessage, syntaxProblem, type Placed } from '../flows/problems';

export type Which = 'published' | 'saved';

/** What was edited and not saved, by user, flow and content: it outlives a look at another page. */
const drafts = new SvelteMap<string, string>();

export type Asked<T> = { state: 'none' | 'busy' | 'not-offered' } | { state: 'done'; value: T } | { state: 'failed'; error: unknown };

/** A flow or module with both of its contents, and what the server says of them. */
export class OpenFlow {
  isRead = $state(false);
  error = $state<unknown>();
  published = $state.raw<FlowDescription | undefined>();
  saved = $state.raw<FlowDescription | undefined>();
  isModule = $state(false);
  numbers = $state.raw<Asked<FlowNumber[]>>({ state: 'none' });
  check = $state.raw<Asked<FlowCheck>>({ state: 'none' });
  activity = $state.raw<Asked<FlowActivity>>({ state: 'none' });
  saveError = $state<unknown>();
  /** Why the policies do not allow to save; empty where nothing is known. */
  denied = $state('');
  isBusy = $state(false);
  /** What publishing was refused for, and the text that it was of. */
  #refused = $state.raw<{ content: string; problems: string[] } | undefined>();
  #checking: AbortController | undefined;

  constructor(
    readonly instance: string,
    readonly id: string,
  ) {}

  get shown(): FlowDescription | undefined {
    return this.published ?? this.saved;
  }

  base(which: Which): string {
    return (which === 'saved' ? this.saved : this.published)?.Content ?? '';
  }

  #key(which: Which): string {
    return `${signedIn.session?.user ?? ''} ${this.id} ${which}`;
  }

  text(which: Which): string {
    return drafts.get(this.#key(which)) ?? this.base(which);
  }

  edit(which: Which, text: string): void {
    if (text === this.base(which)) drafts.delete(this.#key(which));
    else drafts.set(this.#key(which), text);
  }

  isEdited(which: Which): boolean {
    return drafts.has(this.#key(which));
  }

  async read(): Promise<void> {
    try {
      const saved = await this.#describe(true);
      const isSaved = saved.Status === 'SAVED';
      this.saved = isSaved ? saved : undefined;
      this.published = isSaved ? await this.#describe(false).catch(onlySaved) : saved;
      this.isRead = true;
      this.error = undefined;
    } catch (error) {
      this.error = error;
    }
  }

  /** Flows and modules have ids of one kind: what is no flow may be a module. */
  async #describe(isSaved: boolean): Promise<FlowDescription> {
    try {
      return await describeFlow(this.isModule, this.instance, this.id, isSaved);
    } catch (error) {
      if (this.isModule || !isSaved || !(error instanceof ApiError) || !error.isMissing) throw error;
      const module = await describeFlow(true, this.instance, this.id, isSaved).catch(() => undefined);
      if (!module) throw error;
      this.isModule = true;
      return module;
    }
  }

  async readNumbers(): Promise<void> {
    this.numbers = await ask(async () => (await flowNumbers(this.instance)).filter((number) => number.flow === this.id));
  }

  async readActivity(since: Date): Promise<void> {
    this.activity = await ask(() => flowActivity(this.instance, this.id, since.toISOString()));
  }

  /** Asks what the server thinks of a text; the question before it is given up. */
  async readCheck(text: string): Promise<void> {
    this.#checking?.abort();
    const own = new AbortController();
    this.#checking = own;
    if (this.check.state === 'not-offered') return;
    const answer = await ask(() => checkFlow(this.instance, this.shown?.Type ?? 'CONTACT_FLOW', text, { signal: own.signal }));
    if (!own.signal.aborted) this.check = answer;
  }

  /** What is wrong with a text, by place: what the server said last, or the syntax where it was not asked. */
  problems(text: string): Placed[] {
    const syntax = syntaxProblem(text, indexJson(text));
    if (syntax) return [syntax];
    const refused = this.#refused?.content === text ? this.#refused.problems.map(problemOfMessage) : [];
    const checked = this.check.state === 'done' ? this.check.value.Problems : [];
    const isKnown = new Set(checked.map((problem) => `${problem.Path ?? ''} ${problem.Message}`));
    return placed(text, [...checked, ...refused.filter((problem) => !isKnown.has(`${problem.Path ?? ''} ${problem.Message}`))]);
  }

  async readDenied(user: string): Promise<void> {
    const action = this.isModule ? 'connect:UpdateContactFlowModuleContent' : 'connect:UpdateContactFlowContent';
    // A server without the operation, or policies that do not allow the question, say it when it is saved.
    this.denied = (await deniedWhy(user, action, this.shown?.Arn ?? '*').catch(() => undefined)) ?? '';
  }

  /** Saves or publishes a text. Gives whether that was done. */
  async save(which: Which, isPublished: boolean): Promise<boolean> {
    const text = this.text(which);
    this.isBusy = true;
    this.saveError = undefined;
    try {
      await updateContent(this.isModule, this.instance, this.id, text, isPublished);
      drafts.delete(this.#key(which));
      if (isPublished) drafts.delete(this.#key('saved'));
      await this.read();
      return true;
    } catch (error) {
      this.saveError = error;
      const problems = refusedProblems(error);
      if (problems.length > 0) this.#refused = { content: text, problems };
      if (error instanceof ApiError && error.isDenied) this.denied = error.message;
      return false;
    } finally {
      this.isBusy = false;
    }
  }
}

/** A flow that was never published has no published content. */
function onlySaved(error: unknown): undefined {
  if (error instanceof ApiError && error.code === 'ContactFlowNotPublishedException') return undefined;
  throw error;
}

async function ask<T>(question: () => Promise<T>): Promise<Asked<T>> {
  try {
    return { state: 'done', value: await question() };
  } catch (error) {
    return isNotOffered(error) ? { state: 'not-offered' } : { state: 'failed', error };
  }
}
