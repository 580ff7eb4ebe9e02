/** Phone numbers, and the flows that they lead to. */
import { idOf } from './connect';
import { operation, pages } from './operation';

export interface PhoneNumber {
  PhoneNumberId: string;
  PhoneNumberArn: string;
  /** E.164, or the user part of a SIP address. */
  PhoneNumber: string;
  PhoneNumberType: string;
  PhoneNumberCountryCode?: string;
  PhoneNumberDescription?: string;
}

export const listNumbers = operation<Record<string, unknown>>('ListPhoneNumbersV2', 'POST', '/phone-number/list');
export const listFlowAssociations = operation<Record<string, unknown>>('ListFlowAssociations', 'GET', '/flow-associations-summary/{InstanceId}', { ResourceType: 'ResourceType' });
export const searchAvailable = operation<{ AvailableNumbersList: { PhoneNumber: string }[] }>('SearchAvailablePhoneNumbers', 'POST', '/phone-number/search-available');
export const claimNumber = operation<{ PhoneNumberId: string }>('ClaimPhoneNumber', 'POST', '/phone-number/claim');
export const updateNumber = operation('UpdatePhoneNumberMetadata', 'PUT', '/phone-number/{PhoneNumberId}/metadata');
export const leadNumber = operation('AssociatePhoneNumberContactFlow', 'PUT', '/phone-number/{PhoneNumberId}/contact-flow');
export const unleadNumber = operation('DisassociatePhoneNumberContactFlow', 'DELETE', '/phone-number/{PhoneNumberId}/contact-flow', { InstanceId: 'instanceId' });
export const releaseNumber = operation('ReleasePhoneNumber', 'DELETE', '/phone-number/{PhoneNumberId}');

export const allNumbers = (instance: string): Promise<PhoneNumber[]> => pages(listNumbers, { InstanceId: instance }, 'ListPhoneNumbersSummaryList');

/** The flow of each number that has one: ids. */
export async function flowsOfNumbers(instance: string): Promise<Map<string, string>> {
  const found = await pages<{ ResourceId: string; FlowId: string }>(listFlowAssociations, { InstanceId: instance, ResourceType: 'VOICE_PHONE_NUMBER' }, 'FlowAssociationSummaryList');
  return new Map(found.map(({ ResourceId, FlowId }) => [idOf(ResourceId), idOf(FlowId)]));
}
