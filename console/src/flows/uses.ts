/** What leads to a flow or runs a module, beside numbers: what has to change before it is deleted. */
import { idOf } from '../api/connect';
import { checkFlow, contents, type FlowDescription } from '../api/flows';
import { allQueues } from '../api/queues';
import { allQuickConnects } from '../api/quick-connects';

export interface Use {
  kind: 'flow' | 'module' | 'queue' | 'quick connect';
  id: string;
  name: string;
}

export interface Uses {
  found: Use[];
  /** What the policies or the server did not let us look through. */
  unread: string[];
}

type Target = Pick<FlowDescription, 'Id' | 'Name'>;

/** Whether a content may refer to a flow: by its id, or by its name where it was written in another instance. */
export const mayLead = (content: string, { Id, Name }: Target): boolean => content.includes(Id) || content.includes(JSON.stringify(Name));

async function leads(instance: string, flow: FlowDescription, target: Target): Promise<boolean> {
  if (flow.Id === target.Id || !mayLead(flow.Content, target)) return false;
  try {
    // Text in a prompt may have the same words; the server says what is a reference.
    const { Resolved } = await checkFlow(instance, flow.Type, flow.Content);
    return Resolved.some((one) => one.To !== null && idOf(one.To) === target.Id);
  } catch {
    return flow.Content.includes(target.Id);
  }
}

/** Of flows what calls run is looked at; of one that was never published, what is saved. */
export async function usesOf(instance: string, target: Target): Promise<Uses> {
  const uses: Uses = { found: [], unread: [] };
  const look = async (what: string, find: () => Promise<Use[]>): Promise<void> => {
    try {
      uses.found.push(...(await find()));
    } catch {
      uses.unread.push(what);
    }
  };
  await look('other flows', async () => {
    const found: Use[] = [];
    for (const flow of await contents(instance)) {
      if (await leads(instance, flow, target)) found.push({ kind: flow.Type === 'MODULE' ? 'module' : 'flow', id: flow.Id, name: flow.Name });
    }
    return found;
  });
  await look('queues', async () =>
    (await allQueues(instance)).filter((queue) => queue.OutboundCallerConfig?.OutboundFlowId === target.Id).map(({ QueueId, Name }) => ({ kind: 'queue' as const, id: QueueId, name: Name })),
  );
  await look('quick connects', async () =>
    (await allQuickConnects(instance))
      .filter(({ QuickConnectConfig }) => JSON.stringify(QuickConnectConfig).includes(target.Id))
      .map(({ Id, Name }) => ({ kind: 'quick connect' as const, id: Id, name: Name })),
  );
  return uses;
}
