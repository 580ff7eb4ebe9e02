/** Importing of files: what becomes of each. */
import { createFlow, createModule, updateContent, type FlowSummary } from '../api/flows';
import type { FlowFile } from './files';

/** The flow whose content a file replaces: the one of its kind and name. */
export const existing = (file: Pick<FlowFile, 'name' | 'isModule'>, flows: readonly FlowSummary[]): FlowSummary | undefined =>
  flows.find((flow) => flow.Name === file.name && (flow.Type === 'MODULE') === file.isModule);

/** What will be done, in words. */
export function intention(file: Pick<FlowFile, 'name' | 'isModule'>, flows: readonly FlowSummary[]): string {
  const found = existing(file, flows);
  if (found) return `replaces the content of the ${file.isModule ? 'module' : 'flow'} of this name`;
  // A module has no draft before it is published for the first time.
  return file.isModule ? 'is a new module, published at once' : 'is a new flow';
}

/** Puts a file into an instance. Gives the id and what was done. */
export async function put(instance: string, file: FlowFile, flows: readonly FlowSummary[], isPublished: boolean): Promise<{ id: string; done: string }> {
  const found = existing(file, flows);
  if (found) {
    await updateContent(file.isModule, instance, found.Id, file.content, isPublished);
    return { id: found.Id, done: isPublished ? 'content published' : 'content saved' };
  }
  if (file.isModule) return { id: (await createModule(instance, { Name: file.name, Content: file.content })).Id, done: 'created and published' };
  const made = await createFlow(instance, { Name: file.name, Type: file.type, Content: file.content, Status: isPublished ? 'PUBLISHED' : 'SAVED' });
  return { id: made.ContactFlowId, done: isPublished ? 'created and published' : 'created and saved' };
}
