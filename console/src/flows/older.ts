/** The designer's export of 2018 to 2021, as actions of the language of 2019-10-30: what a drawing needs of it. */

type Parameters = Record<string, unknown>;

interface Parameter {
  name?: unknown;
  key?: unknown;
  value?: unknown;
  namespace?: unknown;
  resourceName?: unknown;
}

const TYPES: Record<string, string> = {
  PlayPrompt: 'MessageParticipant',
  PlayAudio: 'MessageParticipant',
  LoopPrompts: 'MessageParticipantIteratively',
  StoreUserInput: 'GetParticipantInput',
  StoreCustomerInput: 'GetParticipantInput',
  GetUserInput: 'GetParticipantInput',
  'GetUserInput Lex': 'ConnectParticipantWithLexBot',
  Disconnect: 'DisconnectParticipant',
  Transfer: 'TransferContactToQueue',
  'Transfer Queue': 'TransferContactToQueue',
  'Transfer Agent': 'TransferContactToAgent',
  'Transfer Flow': 'TransferToFlow',
  'Transfer PhoneNumber': 'TransferParticipantToThirdParty',
  CustomerInQueue: 'DequeueContactAndTransferToQueue',
  CheckAttribute: 'Compare',
  PercentileBranching: 'DistributeByPercentage',
  CheckStaffing: 'CheckMetricData',
  CheckQueueStatus: 'CheckMetricData',
  Resume: 'EndFlowExecution',
  SetLoggingBehavior: 'UpdateFlowLoggingBehavior',
  InvokeExternalResource: 'InvokeLambdaFunction',
  CreateCallback: 'CreateCallbackContact',
  SetAttributes: 'UpdateContactAttributes',
  SetScreenPop: 'UpdateContactAttributes',
  UnTagContact: 'UntagContact',
  SetQueue: 'UpdateContactTargetQueue',
  SetCallBackNumber: 'UpdateContactCallbackNumber',
  SetEventHook: 'UpdateContactEventHooks',
  SetContactFlow: 'UpdateContactEventHooks',
  UpdateRoutingPriority: 'UpdateContactRoutingBehavior',
  ChangeRoutingPriority: 'UpdateContactRoutingBehavior',
  SetRecordingBehavior: 'UpdateContactRecordingBehavior',
  StartMediaStreaming: 'UpdateContactMediaStreamingBehavior',
  StopMediaStreaming: 'UpdateContactMediaStreamingBehavior',
  SetVoice: 'UpdateContactTextToSpeechVoice',
  HoldParticipant: 'UpdatePreviousContactParticipantState',
  SetHoldState: 'UpdatePreviousContactParticipantState',
  HoldCustomerOrAgent: 'UpdatePreviousContactParticipantState',
  Dial: 'CompleteOutboundCall',
  CallPhoneNumber: 'CompleteOutboundCall',
};

/** What a parameter of the export is called now. */
const NAMES: Record<string, string> = {
  AudioPrompt: 'PromptId',
  Timeout: 'InputTimeLimitSeconds',
  Queue: 'QueueId',
  Agent: 'AgentId',
  HoursOfOperation: 'HoursOfOperationId',
  Hours: 'HoursOfOperationId',
  FunctionArn: 'LambdaFunctionARN',
  PhoneNumber: 'ThirdPartyPhoneNumber',
  CallBackNumber: 'CallbackNumber',
  AbsolutePosition: 'QueuePriority',
  TimeOffset: 'QueueTimeAdjustmentSeconds',
  GlobalVoice: 'TextToSpeechVoice',
  LoggingBehavior: 'FlowLoggingBehavior',
  TimeoutSeconds: 'TimeLimitSeconds',
  InitialDelaySeconds: 'InitialCallDelaySeconds',
  MaxRetryAttempts: 'MaximumConnectionAttempts',
};

const text = (value: unknown): string => (value === null || value === undefined ? '' : typeof value === 'string' ? value : JSON.stringify(value));

/** A dynamic value as people write it; the server has the exact table of namespaces. */
const valueOf = ({ value, namespace }: Parameter): string => (namespace ? `$.${text(namespace)}.${text(value)}` : text(value));

export interface Translated {
  type: string;
  parameters: Parameters;
  /** What the export calls the resources, by parameter. */
  names: Record<string, string>;
}

export function translate(module: string, target: string, given: readonly Parameter[]): Translated {
  const type = TYPES[`${module} ${target}`] ?? TYPES[module] ?? module;
  const get = (name: string): string | undefined => {
    const found = given.find((parameter) => parameter.name === name);
    return found && valueOf(found);
  };
  const parameters: Parameters = {};
  const names: Record<string, string> = {};
  for (const parameter of given) {
    const name = NAMES[text(parameter.name)] ?? text(parameter.name);
    parameters[name] ??= valueOf(parameter);
    if (parameter.resourceName) names[name] ??= text(parameter.resourceName);
  }
  const keyed = (name: string): Parameters => Object.fromEntries(given.filter((one) => one.name === name).map((one) => [text(one.key), valueOf(one)]));
  switch (module) {
    case 'StoreUserInput':
    case 'StoreCustomerInput':
      parameters['StoreInput'] = 'True';
      break;
    case 'LoopPrompts':
      parameters['Messages'] = given
        .filter(({ name }) => name === 'Text' || name === 'AudioPrompt')
        .map((one) => ({ [one.name === 'Text' ? 'Text' : 'PromptId']: text(one.resourceName) || valueOf(one) }));
      break;
    case 'GetUserInput':
      if (target === 'Lex') parameters['LexBot'] = { Name: get('BotName') };
      break;
    case 'CheckAttribute':
      parameters['ComparisonValue'] = `$.${get('Namespace') ?? 'Attributes'}.${get('Attribute') ?? ''}`.replace('$.User Defined.', '$.Attributes.');
      break;
    case 'CheckStaffing':
      parameters['MetricType'] = `NumberOfAgents${get('Status') ?? 'Available'}`;
      break;
    case 'CheckQueueStatus':
      parameters['MetricType'] = 'queue';
      break;
    case 'SetLoggingBehavior':
      parameters['FlowLoggingBehavior'] = get('LoggingBehavior') === 'Disable' ? 'Disabled' : 'Enabled';
      break;
    case 'SetAttributes':
      parameters['Attributes'] = keyed('Attribute');
      break;
    case 'SetScreenPop':
      parameters['Attributes'] = { [get('key') ?? '']: get('value') };
      break;
    case 'InvokeExternalResource':
      parameters['LambdaInvocationAttributes'] = keyed('Parameter');
      break;
    case 'SetEventHook':
    case 'SetContactFlow': {
      const hook = get('Type') ?? '';
      parameters['EventHooks'] = { [hook]: get('ContactFlowId') };
      if (names['ContactFlowId']) names[`EventHooks.${hook}`] = names['ContactFlowId'];
      break;
    }
    case 'StartMediaStreaming':
    case 'StopMediaStreaming': {
      const tracks = given.filter(({ name }) => name === 'Track').map((one) => (text(one.value) === 'ToCustomer' ? 'To' : 'From'));
      parameters['MediaStreamingState'] = module === 'StartMediaStreaming' ? 'Enabled' : 'Disabled';
      parameters['Participants'] = [{ ParticipantType: 'Customer', MediaDirections: tracks.length > 0 ? tracks : ['From'] }];
      break;
    }
    case 'SetRecordingBehavior': {
      const whom = get('RecordingParticipantOption');
      const isOn = get('RecordingBehaviorOption') === 'Enable';
      parameters['RecordingBehavior'] = { RecordedParticipants: !isOn ? [] : whom === 'Agent' || whom === 'Customer' ? [whom] : ['Agent', 'Customer'] };
      break;
    }
  }
  return { type, parameters, names };
}

const BRANCH_ERRORS: Record<string, string> = {
  Error: 'NoMatchingError',
  NoMatch: 'NoMatchingCondition',
  Timeout: 'InputTimeLimitExceeded',
  InvalidNumber: 'InvalidPhoneNumber',
  InvalidPhoneNumber: 'InvalidPhoneNumber',
  AtCapacity: 'QueueAtCapacity',
  CallFailure: 'CallFailed',
  NonDialableNumber: 'CallbackNumberNotDialable',
};

/** What a branch of the export is now: the next block, an error, or a result. */
export function branchOf(module: string, name: string): { kind: 'next' } | { kind: 'error'; error: string } | { kind: 'result'; operand: string } {
  if (name === 'Success') return { kind: 'next' };
  if (name === 'Looping') return { kind: 'result', operand: 'ContinueLooping' };
  if (name === 'Complete') return { kind: 'result', operand: 'DoneLooping' };
  if (name === 'True' || name === 'False') {
    if (module === 'CheckStaffing' && name === 'False') return { kind: 'error', error: 'NoMatchingCondition' };
    return { kind: 'result', operand: name };
  }
  if (name === 'Timeout' && module === 'LoopPrompts') return { kind: 'result', operand: 'MessagesInterrupted' };
  if (name === 'Timeout' && module === 'Wait') return { kind: 'result', operand: 'WaitCompleted' };
  if (name === 'CustomerReturned') return { kind: 'result', operand: 'CustomerReturned' };
  return { kind: 'error', error: BRANCH_ERRORS[name] ?? name };
}
