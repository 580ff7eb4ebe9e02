/** The key parameters of a block, as one line. */

type Members = Record<string, unknown>;
const members = (value: unknown): Members => (typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Members) : {});
const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
const plain = (value: unknown): string => (typeof value === 'string' ? value : value === undefined || value === null ? '' : JSON.stringify(value));

/** The part of an ARN that tells it apart. */
export function shortArn(id: string): string {
  const last = id.slice(Math.max(id.lastIndexOf('/'), id.startsWith('arn:') ? id.lastIndexOf(':') : -1) + 1);
  return /^[0-9a-f]{8}-/.test(last) ? `${last.slice(0, 8)}…` : last;
}

/** What is spoken, without its markup. */
const spoken = (value: unknown): string =>
  plain(value)
    .replace(/<break\b[^>]*>/g, ' … ')
    .replace(/<[^>]+>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();

const seconds = (value: unknown): string => {
  const count = Number(plain(value));
  if (!Number.isFinite(count) || plain(value) === '') return plain(value);
  return count >= 120 && count % 60 === 0 ? `${count / 60} min` : `${count} s`;
};

const pairs = (value: unknown): string =>
  Object.entries(members(value))
    .map(([name, one]) => `${name} = ${plain(members(one)['Value'] ?? one)}`)
    .join(', ');

const METRICS: Record<string, string> = {
  NumberOfAgentsAvailable: 'Agents available',
  NumberOfAgentsStaffed: 'Agents staffed',
  NumberOfAgentsOnline: 'Agents online',
  OldestContactInQueueAgeSeconds: 'Oldest contact in queue',
  NumberOfContactsInQueue: 'Contacts in queue',
};

const STATES: Record<string, string> = { AgentOnHold: 'Agent on hold', CustomerOnHold: 'Customer on hold', OffHold: 'Off hold' };

/** `nameOf` gives the name of the resource that a parameter refers to, where it is known. */
export function parameterLine(type: string, parameters: Members, nameOf: (parameter: string) => string | undefined): string {
  const resource = (...names: string[]): string => {
    for (const name of names) {
      const id = plain(parameters[name]);
      if (id) return nameOf(name) ?? shortArn(id);
    }
    return '';
  };
  const prompt = (): string => {
    if (parameters['PromptId']) return resource('PromptId');
    const media = members(parameters['Media'])['Uri'];
    return media ? shortArn(plain(media)) : spoken(parameters['Text'] ?? parameters['SSML']);
  };
  switch (type) {
    case 'MessageParticipant':
      return prompt();
    case 'MessageParticipantIteratively': {
      const messages = list(parameters['Messages']).map(members);
      return messages
        .map((message, at) => (message['PromptId'] ? (nameOf(`Messages[${at}].PromptId`) ?? shortArn(plain(message['PromptId']))) : spoken(message['Text'] ?? message['SSML'])))
        .join(', ');
    }
    case 'GetParticipantInput':
      if ('EnableDTMFBuffer' in parameters) return plain(parameters['EnableDTMFBuffer']).toLowerCase() === 'true' ? 'Start' : 'Stop';
      return prompt();
    case 'ConnectParticipantWithLexBot': {
      const bot = plain(members(parameters['LexBot'])['Name']) || nameOf('LexV2Bot.AliasArn') || shortArn(plain(members(parameters['LexV2Bot'])['AliasArn']));
      return [bot, prompt()].filter(Boolean).join(': ');
    }
    case 'TransferParticipantToThirdParty':
      return plain(parameters['ThirdPartyPhoneNumber']);
    case 'Compare':
      return plain(parameters['ComparisonValue']);
    case 'Loop':
      return parameters['LoopCount'] === undefined ? '' : `${plain(parameters['LoopCount'])} ${plain(parameters['LoopCount']) === '1' ? 'time' : 'times'}`;
    case 'Wait':
      return seconds(parameters['TimeLimitSeconds']);
    case 'CheckHoursOfOperation':
      return resource('HoursOfOperationId') || 'Of the queue';
    case 'CheckMetricData':
      return [METRICS[plain(parameters['MetricType'])], resource('QueueId', 'AgentId')].filter(Boolean).join(', ');
    case 'GetMetricData':
    case 'UpdateContactTargetQueue':
    case 'DequeueContactAndTransferToQueue':
      return resource('QueueId', 'AgentId');
    case 'TransferToFlow':
      return resource('ContactFlowId');
    case 'RouteContactToAgent':
      return resource('AgentId');
    case 'UpdateFlowLoggingBehavior':
      return plain(parameters['FlowLoggingBehavior']);
    case 'UpdateFlowAttributes':
      return pairs(parameters['FlowAttributes']);
    case 'UpdateContactAttributes':
      return pairs(parameters['Attributes']);
    case 'TagContact':
      return pairs(parameters['Tags']);
    case 'UntagContact':
      return list(parameters['TagKeys']).map(plain).join(', ');
    case 'UpdateContactData':
      return pairs(Object.fromEntries(Object.entries(parameters).filter(([name]) => name !== 'TargetContact')));
    case 'InvokeLambdaFunction':
      return resource('LambdaFunctionARN');
    case 'CreateCallbackContact':
      return ['Callback', resource('QueueId', 'AgentId'), `after ${seconds(parameters['InitialCallDelaySeconds'])}`].filter(Boolean).join(', ');
    case 'UpdateContactCallbackNumber':
      return plain(parameters['CallbackNumber']);
    case 'UpdateContactEventHooks':
      return Object.entries(members(parameters['EventHooks']))
        .map(([hook, flow]) => `${hook}: ${nameOf(`EventHooks.${hook}`) ?? shortArn(plain(flow))}`)
        .join(', ');
    case 'UpdateContactRoutingBehavior':
      return parameters['QueuePriority'] !== undefined ? `Priority ${plain(parameters['QueuePriority'])}` : seconds(parameters['QueueTimeAdjustmentSeconds']);
    case 'UpdateContactRecordingBehavior':
    case 'UpdateContactRecordingAndAnalyticsBehavior': {
      const behavior = members(parameters['RecordingBehavior'] ?? members(parameters['VoiceBehavior'])['VoiceRecordingBehavior']);
      const parties = list(behavior['RecordedParticipants']).map(plain);
      return parties.length > 0 ? parties.join(' and ') : 'Off';
    }
    case 'UpdateContactMediaStreamingBehavior':
      return list(parameters['Participants'])
        .flatMap((one) => list(members(one)['MediaDirections']).map(plain))
        .map((direction) => (direction === 'To' ? 'To the customer' : 'From the customer'))
        .join(', ');
    case 'UpdateContactTextToSpeechVoice':
      return [plain(parameters['TextToSpeechVoice']), plain(parameters['TextToSpeechEngine'])].filter(Boolean).join(', ');
    case 'UpdatePreviousContactParticipantState':
      return STATES[plain(parameters['PreviousContactParticipantState'])] ?? plain(parameters['PreviousContactParticipantState']);
    case 'CompleteOutboundCall':
      return plain(members(parameters['CallerId'])['Number']);
    case 'InvokeFlowModule':
      return resource('FlowModuleId');
    case 'EndFlowModuleExecution':
      return plain(parameters['Result']);
    default:
      return '';
  }
}
