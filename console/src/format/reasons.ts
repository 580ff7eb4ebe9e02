const ENDED_BY: Record<string, string> = {
  CUSTOMER_DISCONNECT: 'customer',
  AGENT_DISCONNECT: 'agent',
  AGENT_COMPLETED: 'agent',
  CONTACT_FLOW_DISCONNECT: 'flow',
  THIRD_PARTY_DISCONNECT: 'third party',
  API: 'API',
};

/** Who or what ended a call. */
export const endedBy = (reason: string | null): string =>
  reason === null ? 'not said' : (ENDED_BY[reason] ?? reason.toLowerCase().replaceAll('_', ' '));
