/** What a new flow or module begins with. */
import { emptyContent } from './files';

export interface Template {
  id: string;
  name: string;
  hint: string;
  /** Asks for a queue that its blocks name. */
  hasQueue?: boolean;
  content: (type: string, queue: string) => string;
}

/** A branch of a block: the block it leads to, and the error or the condition it is taken on. */
type Errors = Record<string, string>;

const action = (Identifier: string, Type: string, Parameters: object, next?: string, errors: Errors = {}, conditions: Errors = {}): object => ({
  Identifier,
  Type,
  Parameters,
  Transitions:
    next === undefined
      ? {}
      : {
          NextAction: next,
          Errors: Object.entries(errors).map(([ErrorType, NextAction]) => ({ NextAction, ErrorType })),
          Conditions: Object.entries(conditions).map(([operand, NextAction]) => ({ NextAction, Condition: { Operator: 'Equals', Operands: [operand] } })),
        },
});

const flow = (start: string, ...actions: object[]): string => `${JSON.stringify({ Version: '2019-10-30', StartAction: start, Metadata: {}, Actions: actions }, undefined, 2)}\n`;
const log = (next: string): object => action('log', 'UpdateFlowLoggingBehavior', { FlowLoggingBehavior: 'Enabled' }, next);
const say = (id: string, Text: string, next: string): object => action(id, 'MessageParticipant', { Text }, next, { NoMatchingError: next });
const hangUp = action('hang up', 'DisconnectParticipant', {});
const streaming = (id: string, MediaStreamingState: string, next: string, failed: string): object =>
  action(
    id, 'UpdateContactMediaStreamingBehavior',
    { MediaStreamingState, MediaStreamType: 'Audio', Participants: [{ ParticipantType: 'Customer', MediaDirections: ['From', 'To'] }] },
    next, { NoMatchingError: failed },
  );

const EMPTY: Template = { id: 'empty', name: 'One block, which ends it', hint: 'It ends as soon as it is run.', content: emptyContent };

const OF_CALLS: readonly Template[] = [
  {
    id: 'greeting',
    name: 'A greeting',
    hint: 'Says a sentence and hangs up.',
    content: () => flow('log', log('greeting'), say('greeting', 'Thank you for calling.', 'hang up'), hangUp),
  },
  {
    id: 'capture',
    name: 'Capture what the caller says',
    hint: 'Starts media streaming, keeps the stream and the start fragment as attributes, and listens for up to 30 seconds or until a key.',
    content: () =>
      flow(
        'log',
        log('start media streaming'),
        streaming('start media streaming', 'Enabled', 'keep streams', 'sorry'),
        action(
          'keep streams', 'UpdateContactAttributes',
          { Attributes: { streamArn: '$.MediaStreams.Customer.Audio.StreamARN', startFragment: '$.MediaStreams.Customer.Audio.StartFragmentNumber' }, TargetContact: 'Current' },
          'ask', { NoMatchingError: 'ask' },
        ),
        action(
          'ask', 'GetParticipantInput', { Text: 'Please speak now. Press any key when you are done.', StoreInput: 'False', InputTimeLimitSeconds: '30' },
          'stop media streaming', { InputTimeLimitExceeded: 'stop media streaming', NoMatchingCondition: 'stop media streaming', NoMatchingError: 'stop media streaming' },
        ),
        streaming('stop media streaming', 'Disabled', 'thanks', 'thanks'),
        say('thanks', 'Thank you. Goodbye.', 'hang up'),
        say('sorry', 'We cannot take your message now. Goodbye.', 'hang up'),
        hangUp,
      ),
  },
  {
    id: 'menu',
    name: 'A menu of two keys',
    hint: 'Asks for 1 or 2, twice at most, and keeps the choice as an attribute.',
    content: () =>
      flow(
        'log',
        log('menu'),
        action(
          'menu', 'GetParticipantInput', { Text: 'Press 1 for sales, 2 for support.', StoreInput: 'False', InputTimeLimitSeconds: '5' },
          'again', { InputTimeLimitExceeded: 'again', NoMatchingCondition: 'again', NoMatchingError: 'goodbye' }, { 1: 'sales', 2: 'support' },
        ),
        action('again', 'Loop', { LoopCount: '1' }, 'goodbye', {}, { ContinueLooping: 'menu', DoneLooping: 'goodbye' }),
        ...['sales', 'support'].map((choice) =>
          action(choice, 'UpdateContactAttributes', { Attributes: { choice }, TargetContact: 'Current' }, 'goodbye', { NoMatchingError: 'goodbye' }),
        ),
        say('goodbye', 'Thank you for calling.', 'hang up'),
        hangUp,
      ),
  },
  {
    id: 'queue',
    name: 'Hours, then a queue',
    hint: 'While the queue is open, callers wait in it for an agent.',
    hasQueue: true,
    content: (_, queue) =>
      flow(
        'log',
        log('set working queue'),
        action('set working queue', 'UpdateContactTargetQueue', { QueueId: queue }, 'check hours', { NoMatchingError: 'sorry' }),
        action('check hours', 'CheckHoursOfOperation', {}, 'closed', { NoMatchingError: 'sorry' }, { True: 'transfer to queue', False: 'closed' }),
        action('transfer to queue', 'TransferContactToQueue', {}, 'sorry', { QueueAtCapacity: 'busy', NoMatchingError: 'sorry' }),
        say('closed', 'We are closed now. Please call again later.', 'hang up'),
        say('busy', 'Everyone is on a call. Please call again later.', 'hang up'),
        say('sorry', 'We cannot connect you now. Please call again later.', 'hang up'),
        hangUp,
      ),
  },
];

/** The templates of a type: the blocks of calls are not allowed in whispers and holds. */
export const templatesOf = (type: string): readonly Template[] => (type === 'CONTACT_FLOW' ? [...OF_CALLS, EMPTY] : [EMPTY]);
