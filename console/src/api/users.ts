/** Users, and what says which contacts they are given. */
import { operation, pages } from './operation';

export interface PhoneConfig {
  PhoneType: 'SOFT_PHONE' | 'DESK_PHONE';
  AutoAccept: boolean;
  /** Seconds, but milliseconds in SearchUsers; 0 is without limit. */
  AfterContactWorkTimeLimit: number;
  DeskPhoneNumber?: string;
  PersistentConnection?: boolean;
}

export interface Identity {
  FirstName?: string;
  LastName?: string;
  Email?: string;
  SecondaryEmail?: string;
  Mobile?: string;
}

export interface User {
  Id: string;
  Arn: string;
  Username: string;
  IdentityInfo?: Identity;
  PhoneConfig: PhoneConfig;
  RoutingProfileId: string;
  SecurityProfileIds: string[];
}

export const searchUsers = operation<Record<string, unknown>>('SearchUsers', 'POST', '/search-users');
export const describeUser = operation<{ User: User }>('DescribeUser', 'GET', '/users/{InstanceId}/{UserId}');
export const createUser = operation<{ UserId: string }>('CreateUser', 'PUT', '/users/{InstanceId}');
export const nameUser = operation('UpdateUserIdentityInfo', 'POST', '/users/{InstanceId}/{UserId}/identity-info');
export const setUserPhone = operation('UpdateUserPhoneConfig', 'POST', '/users/{InstanceId}/{UserId}/phone-config');
export const setUserRouting = operation('UpdateUserRoutingProfile', 'POST', '/users/{InstanceId}/{UserId}/routing-profile');
export const setUserSecurity = operation('UpdateUserSecurityProfiles', 'POST', '/users/{InstanceId}/{UserId}/security-profiles');
export const deleteUser = operation('DeleteUser', 'DELETE', '/users/{InstanceId}/{UserId}');

export const allUsers = (instance: string): Promise<User[]> => pages(searchUsers, { InstanceId: instance }, 'Users');

export interface RoutingProfile {
  RoutingProfileId: string;
  RoutingProfileArn: string;
  Name: string;
  Description?: string;
  DefaultOutboundQueueId: string;
  MediaConcurrencies: { Channel: string; Concurrency?: number; CrossChannelBehavior?: { BehaviorType: string } }[];
  NumberOfAssociatedQueues: number;
  NumberOfAssociatedUsers: number;
  AgentAvailabilityTimer: 'TIME_SINCE_LAST_ACTIVITY' | 'TIME_SINCE_LAST_INBOUND';
}

/** A queue of a routing profile. */
export interface RoutedQueue {
  QueueId: string;
  Priority: number;
  Delay: number;
  Channel: string;
}

export const searchRoutingProfiles = operation<Record<string, unknown>>('SearchRoutingProfiles', 'POST', '/search-routing-profiles');
export const listRoutedQueues = operation<Record<string, unknown>>('ListRoutingProfileQueues', 'GET', '/routing-profiles/{InstanceId}/{RoutingProfileId}/queues');
export const createRoutingProfile = operation<{ RoutingProfileId: string }>('CreateRoutingProfile', 'PUT', '/routing-profiles/{InstanceId}');
export const nameRoutingProfile = operation('UpdateRoutingProfileName', 'POST', '/routing-profiles/{InstanceId}/{RoutingProfileId}/name');
export const setOutboundQueue = operation('UpdateRoutingProfileDefaultOutboundQueue', 'POST', '/routing-profiles/{InstanceId}/{RoutingProfileId}/default-outbound-queue');
export const setAvailabilityTimer = operation('UpdateRoutingProfileAgentAvailabilityTimer', 'POST', '/routing-profiles/{InstanceId}/{RoutingProfileId}/agent-availability-timer');
export const associateQueues = operation('AssociateRoutingProfileQueues', 'POST', '/routing-profiles/{InstanceId}/{RoutingProfileId}/associate-queues');
export const disassociateQueues = operation('DisassociateRoutingProfileQueues', 'POST', '/routing-profiles/{InstanceId}/{RoutingProfileId}/disassociate-queues');
export const deleteRoutingProfile = operation('DeleteRoutingProfile', 'DELETE', '/routing-profiles/{InstanceId}/{RoutingProfileId}');

export const allRoutingProfiles = (instance: string): Promise<RoutingProfile[]> => pages(searchRoutingProfiles, { InstanceId: instance }, 'RoutingProfiles');
export const allRoutedQueues = (instance: string, profile: string): Promise<RoutedQueue[]> =>
  pages(listRoutedQueues, { InstanceId: instance, RoutingProfileId: profile }, 'RoutingProfileQueueConfigSummaryList');

export interface SecurityProfile {
  Id: string;
  Arn: string;
  SecurityProfileName: string;
  Description?: string;
}

export const searchSecurityProfiles = operation<Record<string, unknown>>('SearchSecurityProfiles', 'POST', '/search-security-profiles');
export const listPermissions = operation<Record<string, unknown>>('ListSecurityProfilePermissions', 'GET', '/security-profiles-permissions/{InstanceId}/{SecurityProfileId}');
export const createSecurityProfile = operation<{ SecurityProfileId: string }>('CreateSecurityProfile', 'PUT', '/security-profiles/{InstanceId}');
export const updateSecurityProfile = operation('UpdateSecurityProfile', 'POST', '/security-profiles/{InstanceId}/{SecurityProfileId}');
export const deleteSecurityProfile = operation('DeleteSecurityProfile', 'DELETE', '/security-profiles/{InstanceId}/{SecurityProfileId}');

export const allSecurityProfiles = (instance: string): Promise<SecurityProfile[]> => pages(searchSecurityProfiles, { InstanceId: instance }, 'SecurityProfiles');
export const allPermissions = (instance: string, profile: string): Promise<string[]> =>
  pages(listPermissions, { InstanceId: instance, SecurityProfileId: profile }, 'Permissions');

export interface AgentStatus {
  AgentStatusId: string;
  AgentStatusARN: string;
  Name: string;
  Description?: string;
  Type: 'ROUTABLE' | 'CUSTOM' | 'OFFLINE';
  State: 'ENABLED' | 'DISABLED';
  DisplayOrder?: number;
}

export const searchAgentStatuses = operation<Record<string, unknown>>('SearchAgentStatuses', 'POST', '/search-agent-statuses');
export const createAgentStatus = operation<{ AgentStatusId: string }>('CreateAgentStatus', 'PUT', '/agent-status/{InstanceId}');
export const updateAgentStatus = operation('UpdateAgentStatus', 'POST', '/agent-status/{InstanceId}/{AgentStatusId}');

export const allAgentStatuses = (instance: string): Promise<AgentStatus[]> => pages(searchAgentStatuses, { InstanceId: instance }, 'AgentStatuses');
