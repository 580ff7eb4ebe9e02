/** How a program reads the audio of a contact, filled in. */

export const LANGUAGES = ['aws cli', 'boto3', 'Rust', 'LMSDemo'] as const;
export type Language = (typeof LANGUAGES)[number];
export type Begin = 'start' | 'place' | 'live';

export interface Reading {
  streamArn: string;
  /** The number after which the first sample of the capture stands: a reader begins with the fragment behind it. */
  after: string;
  /** The number before the fragment in which the chosen place is, or before the newest one; undefined where it is not known. */
  afterPlace?: string | undefined;
  /** The instant of the place that is chosen. */
  placeAt: number;
  begin: Begin;
  /** The last fragment of the capture; undefined while it goes on. */
  stop?: string | undefined;
}

const seconds = (instant: number): string => (instant / 1000).toFixed(3);

/** Text in single quotes of a POSIX shell. */
const shell = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

const ABOUT: Record<Begin, string> = {
  start: "The customer's audio of this contact, from its first sample.",
  place: "The customer's audio of this contact, from the fragment at the chosen time.",
  live: "The customer's audio of this contact, from now on.",
};

export function snippet(language: Language, reading: Reading): string {
  // A stream serves one call after another: what follows is no longer of this contact.
  const ends = reading.stop ? [`The capture ends with fragment ${reading.stop}; what follows in the stream is of another call.`] : [];
  const notes = [`${ABOUT[reading.begin]}${language === 'LMSDemo' ? '' : ' AWS_ENDPOINT_URL says where the server is.'}`, ...ends];
  return [...WRITERS[language](reading, notes), ''].join('\n');
}

const WRITERS: Record<Language, (reading: Reading, notes: string[]) => string[]> = { 'aws cli': awsCli, boto3, Rust: rust, LMSDemo: lmsDemo };

function awsCli({ streamArn, after, placeAt, begin }: Reading, notes: string[]): string[] {
  const selector = {
    start: `StartSelectorType=FRAGMENT_NUMBER,AfterFragmentNumber=${after}`,
    place: `StartSelectorType=SERVER_TIMESTAMP,StartTimestamp=${seconds(placeAt)}`,
    live: 'StartSelectorType=NOW',
  }[begin];
  return [
    ...notes.map((note) => `# ${note}`),
    `arn=${shell(streamArn)}`,
    'url=$(aws kinesisvideo get-data-endpoint --stream-arn "$arn" \\',
    '    --api-name GET_MEDIA --query DataEndpoint --output text)',
    'aws kinesis-video-media get-media --endpoint-url "$url" --stream-arn "$arn" \\',
    `    --start-selector ${selector} caller.mkv`,
  ];
}

function boto3({ streamArn, after, placeAt, begin }: Reading, notes: string[]): string[] {
  const selector = {
    start: `{\n        "StartSelectorType": "FRAGMENT_NUMBER",\n        "AfterFragmentNumber": ${JSON.stringify(after)},\n    }`,
    place: `{\n        "StartSelectorType": "SERVER_TIMESTAMP",\n        "StartTimestamp": ${seconds(placeAt)},\n    }`,
    live: '{"StartSelectorType": "NOW"}',
  }[begin];
  return [
    ...notes.map((note) => `# ${note}`),
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
  ];
}

function rust({ streamArn, after, placeAt, begin }: Reading, notes: string[]): string[] {
  const [type, more] = {
    start: ['FragmentNumber', [`.after_fragment_number(${JSON.stringify(after)})`]],
    place: ['ServerTimestamp', [`.start_timestamp(DateTime::from_millis(${Math.round(placeAt)}))`]],
    live: ['Now', []],
  }[begin] as [string, string[]];
  return [
    ...notes.map((note) => `// ${note}`),
    '// Cargo.toml: aws-config, aws-sdk-kinesisvideo and aws-sdk-kinesisvideomedia 1; tokio 1 with features fs, io-util, macros, rt-multi-thread.',
    'use aws_sdk_kinesisvideo::types::ApiName;',
    ...(begin === 'place' ? ['use aws_sdk_kinesisvideomedia::primitives::DateTime;'] : []),
    'use aws_sdk_kinesisvideomedia::types::{StartSelector, StartSelectorType};',
    'use tokio::io::AsyncWriteExt;',
    '',
    '#[tokio::main]',
    'async fn main() -> Result<(), Box<dyn std::error::Error>> {',
    '    let config = aws_config::load_defaults(aws_config::BehaviorVersion::latest()).await;',
    '    let video = aws_sdk_kinesisvideo::Client::new(&config);',
    `    let arn = ${JSON.stringify(streamArn)};`,
    '    let place = video.get_data_endpoint().stream_arn(arn).api_name(ApiName::GetMedia).send().await?;',
    '    let url = place.data_endpoint().ok_or("the stream has no endpoint")?;',
    '    let config = config.into_builder().endpoint_url(url).build();',
    '    let selector = StartSelector::builder()',
    `        .start_selector_type(StartSelectorType::${type})`,
    ...more.map((line) => `        ${line}`),
    '        .build()?;',
    '    let media = aws_sdk_kinesisvideomedia::Client::new(&config);',
    '    let mut body = media.get_media().stream_arn(arn).start_selector(selector).send().await?.payload;',
    '    let mut file = tokio::fs::File::create("caller.mkv").await?;',
    '    while let Some(chunk) = body.try_next().await? {',
    '        file.write_all(&chunk).await?;',
    '    }',
    '    file.flush().await?;',
    '    Ok(())',
    '}',
  ];
}

/** The name of a stream in its ARN. */
const nameOf = (arn: string): string => arn.split('/')[1] ?? arn;
/** How the AWS SDK for Java spells the region of an ARN. */
const regionOf = (arn: string): string => `Regions.${(arn.split(':')[3] ?? '').toUpperCase().replaceAll('-', '_')}`;

/** The arguments of LMSExample in LMSDemo.java of the administrator guide. It begins after a fragment number, and in no other way. */
function lmsDemo({ streamArn, after, afterPlace, begin }: Reading, notes: string[]): string[] {
  const number = begin === 'start' ? after : afterPlace;
  return [
    ...notes.map((note) => `// ${note}`),
    '// LMSDemo.java of the Amazon Connect administrator guide; it writes the frames of all tracks that come within 120 s: 16 bit PCM, 8,000 Hz.',
    ...(number === undefined ? ['// The number of that fragment is not known: it is no longer listed, or not yet.'] : []),
    `LMSExample example = new LMSExample(${regionOf(streamArn)},`,
    `        ${JSON.stringify(nameOf(streamArn))},`,
    `        ${number === undefined ? JSON.stringify('<<FragmentNumber>>') : JSON.stringify(number)},`,
    '        new DefaultAWSCredentialsProviderChain(),',
    '        new FileOutputStream("caller.raw"));',
    'example.execute();',
  ];
}
