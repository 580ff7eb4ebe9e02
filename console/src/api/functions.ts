/** Functions that flows invoke, and bots that they ask. */
import { operation, pages } from './operation';

export const listFunctions = operation<Record<string, unknown>>('ListLambdaFunctions', 'GET', '/instance/{InstanceId}/lambda-functions');
export const associateFunction = operation('AssociateLambdaFunction', 'PUT', '/instance/{InstanceId}/lambda-function');
export const disassociateFunction = operation('DisassociateLambdaFunction', 'DELETE', '/instance/{InstanceId}/lambda-function', { FunctionArn: 'functionArn' });

export const allFunctions = (instance: string): Promise<string[]> => pages(listFunctions, { InstanceId: instance }, 'LambdaFunctions');

/** Of the first version by name and region, of the second by the ARN of an alias. */
export interface Bot {
  LexBot?: { Name: string; LexRegion: string };
  LexV2Bot?: { AliasArn: string };
}

export const listBots = operation<Record<string, unknown>>('ListBots', 'GET', '/instance/{InstanceId}/bots', { LexVersion: 'lexVersion' });
export const associateBot = operation('AssociateBot', 'PUT', '/instance/{InstanceId}/bot');
export const disassociateBot = operation('DisassociateBot', 'POST', '/instance/{InstanceId}/bot');

/** Bots of both versions. */
export const allBots = async (instance: string): Promise<Bot[]> =>
  (await Promise.all(['V2', 'V1'].map((LexVersion) => pages<Bot>(listBots, { InstanceId: instance, LexVersion }, 'LexBots')))).flat();
