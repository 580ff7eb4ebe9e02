/** Prompts: sounds that flows play by their names. */
import { operation, pages } from './operation';

export interface Prompt {
  PromptId: string;
  PromptARN: string;
  Name: string;
  Description?: string;
}

export const searchPrompts = operation<Record<string, unknown>>('SearchPrompts', 'POST', '/search-prompts');
export const promptFile = operation<{ PromptPresignedUrl: string }>('GetPromptFile', 'GET', '/prompts/{InstanceId}/{PromptId}/file');
export const createPrompt = operation<{ PromptId: string }>('CreatePrompt', 'PUT', '/prompts/{InstanceId}');
export const updatePrompt = operation('UpdatePrompt', 'POST', '/prompts/{InstanceId}/{PromptId}');
export const deletePrompt = operation('DeletePrompt', 'DELETE', '/prompts/{InstanceId}/{PromptId}');

export const allPrompts = (instance: string): Promise<Prompt[]> => pages(searchPrompts, { InstanceId: instance }, 'Prompts');
