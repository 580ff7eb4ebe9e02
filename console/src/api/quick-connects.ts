/** Quick connects of an instance. */
import { operation, pages } from './operation';

export interface QuickConnect {
  Id: string;
  Name: string;
  QuickConnectConfig: Record<string, unknown>;
}

export const searchQuickConnects = operation<Record<string, unknown>>('SearchQuickConnects', 'POST', '/search-quick-connects');

export const allQuickConnects = (instance: string): Promise<QuickConnect[]> => pages(searchQuickConnects, { InstanceId: instance }, 'QuickConnects');
