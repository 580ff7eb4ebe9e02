/** Prompts: sounds that flows play by their names. */
import { shell, signedByCurl } from '../format/code';
import { operation, pages, type Ask } from './operation';
import { call, callForBytes, operationAddress } from './request';

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

/** The largest sound that the server takes. */
export const SOUND_MOST_BYTES = 16 * 1024 * 1024;

const promptsOf = (instance: string): string => `/tympan/instances/${instance}/prompts`;
const audioOf = (instance: string, prompt: string): string => `${promptsOf(instance)}/${prompt}/audio`;
const taken = (file: string): string[] => ["-H 'Content-Type: audio/wav'", `--data-binary @${shell(file)}`];
const sound = (file: Blob | undefined): Blob => new Blob(file ? [file] : [], { type: 'audio/wav' });

/** A prompt with its sound, which comes from a file. */
export function uploadPrompt(instance: string, { name, description }: { name: string; description?: string | undefined }, file: File | undefined): Ask {
  const query = { name, description };
  const path = operationAddress('tympan', promptsOf(instance), query).replace('/api/tympan', '');
  return {
    operation: 'UploadPrompt',
    members: query,
    shell: signedByCurl(path, taken(file?.name ?? 'welcome.wav')),
    run: (options) => call('tympan', promptsOf(instance), { ...options, method: 'POST', query, media: sound(file) }),
  };
}

/** Another sound of a prompt. */
export const replaceSound = (instance: string, prompt: string, file: File | undefined): Ask => ({
  operation: 'PutPromptAudio',
  members: {},
  shell: signedByCurl(audioOf(instance, prompt), ['-X PUT', ...taken(file?.name ?? 'welcome.wav')]),
  run: (options) => call('tympan', audioOf(instance, prompt), { ...options, method: 'PUT', media: sound(file) }),
});

/** The sound of a prompt, as a caller hears it: a WAV file. */
export const promptAudio = (instance: string, prompt: string): Ask<ArrayBuffer> => ({
  operation: 'GetPromptAudio',
  members: {},
  shell: signedByCurl(audioOf(instance, prompt), ['-o prompt.wav']),
  run: (options) => callForBytes('tympan', audioOf(instance, prompt), options),
});
