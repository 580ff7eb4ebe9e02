/** How a program reads the audio of a contact, filled in. */

export type Language = 'aws cli' | 'boto3';
export type Begin = 'start' | 'place' | 'live';

export interface Reading {
  streamArn: string;
  /** The number after which the first sample of the capture stands: a reader begins with the fragment behind it. */
  after: string;
  /** The instant of the place that is chosen. */
  placeAt: number;
  begin: Begin;
  /** The last fragment of the capture; undefined while it goes on. */
  stop?: string | undefined;
}

const seconds = (instant: number): string => (instant / 1000).toFixed(3);

/** Text in single quotes of a POSIX shell. */
const shell = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

export function snippet(language: Language, { streamArn, after, placeAt, begin, stop }: Reading): string {
  const about = {
    start: "The customer's audio of this contact, from its first sample.",
    place: "The customer's audio of this contact, from the fragment at the chosen time.",
    live: "The customer's audio of this contact, from now on.",
  }[begin];
  // A stream serves one call after another: what follows is no longer of this contact.
  const ends = stop ? [`# The capture ends with fragment ${stop}; what follows in the stream is of another call.`] : [];
  if (language === 'aws cli') {
    const selector = {
      start: `StartSelectorType=FRAGMENT_NUMBER,AfterFragmentNumber=${after}`,
      place: `StartSelectorType=SERVER_TIMESTAMP,StartTimestamp=${seconds(placeAt)}`,
      live: 'StartSelectorType=NOW',
    }[begin];
    return [
      `# ${about} AWS_ENDPOINT_URL says where the server is.`,
      ...ends,
      `arn=${shell(streamArn)}`,
      'url=$(aws kinesisvideo get-data-endpoint --stream-arn "$arn" \\',
      '    --api-name GET_MEDIA --query DataEndpoint --output text)',
      'aws kinesis-video-media get-media --endpoint-url "$url" --stream-arn "$arn" \\',
      `    --start-selector ${selector} caller.mkv`,
      '',
    ].join('\n');
  }
  const selector = {
    start: `{\n        "StartSelectorType": "FRAGMENT_NUMBER",\n        "AfterFragmentNumber": ${JSON.stringify(after)},\n    }`,
    place: `{\n        "StartSelectorType": "SERVER_TIMESTAMP",\n        "StartTimestamp": ${seconds(placeAt)},\n    }`,
    live: '{"StartSelectorType": "NOW"}',
  }[begin];
  return [
    `# ${about} AWS_ENDPOINT_URL says where the server is.`,
    ...ends,
    'import boto3',
    '',
    'video = boto3.client("kinesisvideo")',
    `arn = ${JSON.stringify(streamArn)}`,
    'url = video.get_data_endpoint(StreamARN=arn, APIName="GET_MEDIA")["DataEndpoint"]',
    'media = boto3.client("kinesis-video-media", endpoint_url=url).get_media(',
    '    StreamARN=arn,',
    `    StartSelector=${selector},`,
    ')',
    'with open("caller.mkv", "wb") as file:',
    '    for chunk in media["Payload"].iter_chunks(4096):',
    '        file.write(chunk)',
    '',
  ].join('\n');
}
