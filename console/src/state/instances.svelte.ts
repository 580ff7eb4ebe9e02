import { listFlows, listInstances, listQueues, listUsers, type Instance, type Named } from '../api/connect';

/** The instances of the account, and the names of what is in them. */
class Instances {
  all = $state<Instance[]>([]);
  error = $state<unknown>();
  flows = $state<Named[]>([]);
  queues = $state<Named[]>([]);
  agents = $state<Named[]>([]);
  /** Whether the list was read, so that an empty one means none. */
  isKnown = $state(false);
  #isRead = false;
  #areNamesRead = false;

  async read(): Promise<void> {
    if (this.#isRead) return;
    this.#isRead = true;
    try {
      this.all = await listInstances();
      this.isKnown = true;
      this.error = undefined;
    } catch (error) {
      this.#isRead = false;
      this.error = error;
    }
  }

  /** Reads again what was read: an instance is new, changed or gone. */
  async again(): Promise<void> {
    this.#isRead = this.#areNamesRead = false;
    await this.read();
  }

  /** Names for filters. A list that the policy denies stays empty. */
  async readNames(): Promise<void> {
    await this.read();
    if (this.#areNamesRead) return;
    this.#areNamesRead = true;
    const several = this.all.length > 1;
    const of = async <T extends Named>(list: (id: string) => Promise<T[]>): Promise<T[]> => {
      const lists = await Promise.allSettled(
        this.all.map(async ({ Id, InstanceAlias }) =>
          (await list(Id)).map((one) => (several ? { ...one, Name: `${one.Name} (${InstanceAlias})` } : one)),
        ),
      );
      return lists.flatMap((result) => (result.status === 'fulfilled' ? result.value : []));
    };
    const users = async (id: string): Promise<Named[]> => (await listUsers(id)).map((user) => ({ ...user, Name: user.Username }));
    [this.flows, this.queues, this.agents] = await Promise.all([of(listFlows), of(listQueues), of(users)]);
  }

  forget(): void {
    this.#isRead = this.#areNamesRead = this.isKnown = false;
    this.all = [];
  }

  named(list: readonly Named[], id: string): string {
    return list.find((one) => one.Id === id)?.Name ?? `${id.slice(0, 8)}…`;
  }
}

export const instances = new Instances();
