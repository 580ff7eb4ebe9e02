import type { Instance } from '../api/connect';
import { inOrder, type Ask } from '../api/operation';
import { parameter, setParameters } from '../routing/query';
import { instances } from './instances.svelte';
import { Saving } from './loaded.svelte';
import { toasts } from './toasts.svelte';

/** In the address in place of an id: the form makes a new one. */
const NEW = 'new';

export type Deed = 'created' | 'saved' | 'deleted';

/** What is particular to a kind of resource. */
export interface Kind<Row> {
  /** Of the instance whose page it is. */
  alias: () => string;
  /** The parameter of the address that says which one is open; `id` unless given. */
  parameter?: string;
  /** That of a list which belongs to the open one. */
  inner?: string;
  read: (own: Instance) => Promise<void>;
  /** The one of an id, once all that the form shows of it is known. */
  find: (id: string) => Row | undefined;
  /** Whether a new one can be begun: there is what its fields choose from. */
  canBegin?: () => boolean;
  /** Fills the fields of the form, for an edited one or a new one. */
  fill: (edited: Row | undefined) => void;
  /** The operations of the change; where none is edited, of an example. */
  change: (own: Instance) => Ask[];
  /** Makes the change where it is more than its operations, one after the other. */
  make?: (own: Instance) => Promise<unknown>;
  remove?: (own: Instance, row: Row) => Ask;
  /** What became of it, in a sentence. */
  says: (deed: Deed, row?: Row) => string;
}

/** A list of resources of an instance with a form beside it: one is made, changed or deleted at a time, and the address says which. */
export class Editing<Row> {
  readonly saving = new Saving();
  /** What is to be deleted once that is confirmed. */
  deleting = $state.raw<Row | undefined>();
  readonly id = $derived.by(() => parameter(this.kind.parameter ?? 'id'));
  readonly isNew = $derived(this.id === NEW);
  readonly instance = $derived.by(() => instances.all.find((one) => one.InstanceAlias === this.kind.alias()));
  readonly edited = $derived.by(() => this.kind.find(this.id));
  readonly change = $derived.by(() => (this.instance ? this.kind.change(this.instance) : []));
  #begun = '';

  /** Made while its component is. */
  constructor(private readonly kind: Kind<Row>) {
    $effect(() => {
      if (this.instance) void this.read();
    });
    $effect(() => {
      if (this.#begun === this.id) return;
      const isKnown = this.id === '' || ((this.kind.canBegin?.() ?? true) && (this.isNew || this.edited !== undefined));
      if (!isKnown) return;
      this.#begun = this.id;
      this.saving.error = undefined;
      this.kind.fill(this.edited);
    });
  }

  get isOpen(): boolean {
    return this.isNew || this.edited !== undefined;
  }

  async read(): Promise<void> {
    if (this.instance) await this.kind.read(this.instance);
  }

  readonly create = (): void => this.open(NEW);
  readonly open = (id: string): void => this.#show(id);
  readonly close = (): void => this.#show(undefined);

  #show(id: string | undefined): void {
    const { parameter = 'id', inner } = this.kind;
    setParameters({ [parameter]: id, ...(inner !== undefined && { [inner]: undefined }) });
  }

  async save(): Promise<void> {
    const own = this.instance;
    if (!own) return;
    const done = await this.saving.run(() => this.kind.make?.(own) ?? inOrder(this.change));
    await this.read();
    if (!done) return;
    toasts.say(this.kind.says(this.isNew ? 'created' : 'saved'));
    this.close();
  }

  /** Asks whether it is to be deleted. */
  ask(row: Row): void {
    this.saving.error = undefined;
    this.deleting = row;
  }

  readonly keep = (): void => void (this.deleting = undefined);

  async remove(): Promise<void> {
    const [gone, own] = [this.deleting, this.instance];
    const removal = gone && own && this.kind.remove?.(own, gone);
    if (!removal || !(await this.saving.run(() => removal.run()))) return;
    this.deleting = undefined;
    toasts.say(this.kind.says('deleted', gone));
    this.close();
    await this.read();
  }
}
