/** What Amazon's designer calls the blocks and their branches. */

type Parameters = Record<string, unknown>;

const TITLES: Record<string, string> = {
  MessageParticipant: 'Play prompt',
  MessageParticipantIteratively: 'Loop prompts',
  GetParticipantInput: 'Get customer input',
  ConnectParticipantWithLexBot: 'Get customer input',
  DisconnectParticipant: 'Disconnect / hang up',
  ShowView: 'Show view',
  TransferParticipantToThirdParty: 'Transfer to phone number',
  Compare: 'Check contact attributes',
  Loop: 'Loop',
  DistributeByPercentage: 'Distribute by percentage',
  Wait: 'Wait',
  CheckHoursOfOperation: 'Check hours of operation',
  CheckMetricData: 'Check staffing',
  GetMetricData: 'Get metrics',
  TransferToFlow: 'Transfer to flow',
  EndFlowExecution: 'End flow / Resume',
  UpdateFlowAttributes: 'Set contact attributes',
  UpdateFlowLoggingBehavior: 'Set logging behavior',
  CheckOutboundCallStatus: 'Check call progress',
  CheckVoiceId: 'Check Voice ID',
  StartVoiceIdStream: 'Set Voice ID',
  UpdateContactRoutingCriteria: 'Set routing criteria',
  InvokeLambdaFunction: 'Invoke AWS Lambda function',
  CreateCallbackContact: 'Transfer to queue',
  GetCustomerProfile: 'Customer profiles',
  GetCustomerProfileObject: 'Customer profiles',
  GetCalculatedAttributesForCustomerProfile: 'Customer profiles',
  CreateCustomerProfile: 'Customer profiles',
  UpdateCustomerProfile: 'Customer profiles',
  AssociateContactToCustomerProfile: 'Customer profiles',
  CreateCase: 'Cases',
  GetCase: 'Cases',
  UpdateCase: 'Cases',
  CreateTask: 'Create task',
  CreateWisdomSession: 'Amazon Q in Connect',
  SendMessage: 'Send message',
  StartOutboundChatContact: 'Send message',
  StartOutboundEmailContact: 'Send message',
  EvaluateDataTableValues: 'Data table',
  ListDataTableValues: 'Data table',
  UpsertDataTableValues: 'Data table',
  LoadContactContent: 'Get stored content',
  CreatePersistentContactAssociation: 'Create persistent contact association',
  AuthenticateParticipant: 'Authenticate Customer',
  ResumeContact: 'Resume contact',
  UpdateContactAttributes: 'Set contact attributes',
  TagContact: 'Contact tags',
  UntagContact: 'Contact tags',
  UpdateContactTargetQueue: 'Set working queue',
  TransferContactToQueue: 'Transfer to queue',
  DequeueContactAndTransferToQueue: 'Transfer to queue',
  TransferContactToAgent: 'Transfer to agent',
  RouteContactToAgent: 'Interrupt agent',
  UpdateContactCallbackNumber: 'Set callback number',
  UpdateContactRoutingBehavior: 'Change routing priority / age',
  UpdateContactRecordingBehavior: 'Set recording and analytics behavior',
  UpdateContactRecordingAndAnalyticsBehavior: 'Set recording and analytics behavior',
  UpdateContactMediaStreamingBehavior: 'Start media streaming',
  UpdateContactTextToSpeechVoice: 'Set voice',
  UpdatePreviousContactParticipantState: 'Hold customer or agent',
  CompleteOutboundCall: 'Call phone number',
  InvokeFlowModule: 'Invoke module',
  EndFlowModuleExecution: 'Return',
};

const HOOKS: Record<string, string> = {
  AgentWhisper: 'Set whisper flow',
  CustomerWhisper: 'Set whisper flow',
  OutboundWhisper: 'Set whisper flow',
  CustomerQueue: 'Set customer queue flow',
  CustomerHold: 'Set hold flow',
  AgentHold: 'Set hold flow',
  CustomerRemaining: 'Set disconnect flow',
};

const isTrue = (value: unknown): boolean => String(value).toLowerCase() === 'true';
const words = (type: string): string => type.replace(/(?<=[a-z])(?=[A-Z])/g, ' ').replace(/(?<= )[A-Z](?=[a-z])/g, (letter) => letter.toLowerCase());

/** The name of a block in Amazon's designer; of a type that it does not have, the type in words. */
export function blockTitle(type: string, parameters: Parameters): string {
  if (type === 'GetParticipantInput') {
    if ('EnableDTMFBuffer' in parameters) return 'Set touchtone buffer behavior';
    return isTrue(parameters['StoreInput']) ? 'Store customer input' : 'Get customer input';
  }
  if (type === 'UpdateContactMediaStreamingBehavior') return parameters['MediaStreamingState'] === 'Disabled' ? 'Stop media streaming' : 'Start media streaming';
  if (type === 'CheckMetricData') return /Agents/.test(String(parameters['MetricType'] ?? 'Agents')) ? 'Check staffing' : 'Check queue status';
  if (type === 'UpdateContactEventHooks') return HOOKS[Object.keys((parameters['EventHooks'] as object | undefined) ?? {})[0] ?? ''] ?? 'Set event flow';
  return TITLES[type] ?? words(type);
}

const ERRORS: Record<string, string> = {
  NoMatchingError: 'Error',
  NoMatchingCondition: 'No match',
  InputTimeLimitExceeded: 'Timeout',
  ConnectionTimeLimitExceeded: 'Timeout',
  TimeLimitExceeded: 'Timeout',
  QueueAtCapacity: 'At capacity',
  CallFailed: 'Call failed',
  InvalidPhoneNumber: 'Invalid number',
  InvalidCallbackNumber: 'Invalid number',
  CallbackNumberNotDialable: 'Not dialable',
  NoneFound: 'None found',
  NoneFoundError: 'None found',
  MultipleFound: 'Multiple found',
  MultipleFoundError: 'Multiple found',
  ChannelMismatch: 'Channel mismatch',
  ParticipantNotFound: 'Participant not found',
};

/** Results of a block that are no failure of it, though the language lists them as errors. */
const ORDINARY = new Set(['NoMatchingCondition', 'InputTimeLimitExceeded', 'ConnectionTimeLimitExceeded', 'TimeLimitExceeded', 'QueueAtCapacity', 'NoneFound', 'NoneFoundError', 'MultipleFound', 'MultipleFoundError']);

export const errorLabel = (kind: string): string => ERRORS[kind] ?? words(kind);
export const isFailure = (kind: string): boolean => !ORDINARY.has(kind);

/** By the name of an operator without `Text` and `Number`: both spellings are in use. */
const OPERATORS: Record<string, string> = {
  Equals: '',
  LessThan: '< ',
  GreaterThan: '> ',
  LessOrEqualTo: '≤ ',
  LessThanOrEqualTo: '≤ ',
  GreaterOrEqualTo: '≥ ',
  GreaterThanOrEqualTo: '≥ ',
  StartsWith: 'starts with ',
  EndsWith: 'ends with ',
  Contains: 'contains ',
  KeyExists: 'has ',
};

const RESULTS: Record<string, string> = {
  ContinueLooping: 'Looping',
  DoneLooping: 'Complete',
  MessagesInterrupted: 'Timeout',
  WaitCompleted: 'Time expired',
  CustomerReturned: 'Customer returned',
};

/** How a condition is written at its line. */
export function conditionLabel(type: string, operator: string, operands: readonly unknown[]): string {
  const [first = ''] = operands;
  const operand = typeof first === 'string' ? first : JSON.stringify(first);
  if (operator === 'Equals') {
    if (type === 'CheckHoursOfOperation') return operand === 'True' ? 'In hours' : 'Out of hours';
    return RESULTS[operand] ?? operand;
  }
  return `${OPERATORS[operator.replace(/^(?:Text|Number|Numeric)(?=[A-Z])/, '')] ?? `${words(operator)} `}${operand}`;
}

const FLOW_TYPES: Record<string, string> = {
  CONTACT_FLOW: 'Contact flow',
  CUSTOMER_QUEUE: 'Customer queue',
  CUSTOMER_HOLD: 'Customer hold',
  CUSTOMER_WHISPER: 'Customer whisper',
  AGENT_HOLD: 'Agent hold',
  AGENT_WHISPER: 'Agent whisper',
  OUTBOUND_WHISPER: 'Outbound whisper',
  AGENT_TRANSFER: 'Transfer to agent',
  QUEUE_TRANSFER: 'Transfer to queue',
  CAMPAIGN: 'Campaign',
  MODULE: 'Module',
};

export const flowTypeName = (type: string): string => FLOW_TYPES[type] ?? type;
/** The types in which a flow may be created; a module is a resource of its own. */
export const FLOW_TYPE_IDS: readonly string[] = Object.keys(FLOW_TYPES).filter((type) => type !== 'MODULE' && type !== 'CAMPAIGN');
