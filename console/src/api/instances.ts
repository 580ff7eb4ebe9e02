/** Instances, and what is set for all of one. */
import { operation, pages } from './operation';

export interface Attribute {
  AttributeType: string;
  Value: 'true' | 'false';
}

export const listInstancesAsked = operation<Record<string, unknown>>('ListInstances', 'GET', '/instance');
export const createInstance = operation<{ Id: string; Arn: string }>('CreateInstance', 'PUT', '/instance');
export const deleteInstance = operation('DeleteInstance', 'DELETE', '/instance/{InstanceId}');
export const listAttributes = operation<Record<string, unknown>>('ListInstanceAttributes', 'GET', '/instance/{InstanceId}/attributes');
export const setAttribute = operation('UpdateInstanceAttribute', 'POST', '/instance/{InstanceId}/attribute/{AttributeType}');

export const allAttributes = (instance: string): Promise<Attribute[]> => pages(listAttributes, { InstanceId: instance }, 'Attributes');

export const associateStorageConfig = operation<{ AssociationId: string }>('AssociateInstanceStorageConfig', 'PUT', '/instance/{InstanceId}/storage-config');
export const updateStorageConfig = operation('UpdateInstanceStorageConfig', 'POST', '/instance/{InstanceId}/storage-config/{AssociationId}', { ResourceType: 'resourceType' });
export const disassociateStorageConfig = operation('DisassociateInstanceStorageConfig', 'DELETE', '/instance/{InstanceId}/storage-config/{AssociationId}', { ResourceType: 'resourceType' });
export const listStorageConfigs = operation<Record<string, unknown>>('ListInstanceStorageConfigs', 'GET', '/instance/{InstanceId}/storage-configs', { ResourceType: 'resourceType' });
