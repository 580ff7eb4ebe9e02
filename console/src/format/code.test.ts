import { expect, it } from 'vitest';
import { code, python, signedByCurl, snake } from './code';

it('spells names as botocore does', () => {
  expect(['ListPhoneNumbersV2', 'S3Uri', 'LexV2Bot', 'InstanceId', 'GetMetricDataV2'].map(snake)).toEqual([
    'list_phone_numbers_v2', 's3_uri', 'lex_v2_bot', 'instance_id', 'get_metric_data_v2',
  ]);
});

const asks = [{ operation: 'CreateQueue', members: { InstanceId: 'i-1', Name: "Bob's", MaxContacts: 5, QuickConnectIds: ['a', 'b'], OutboundCallerConfig: { OutboundCallerIdName: 'Us' }, IsOn: false } }];

it('writes commands of the AWS CLI', () => {
  expect(code('aws cli', [{ title: 'The change', asks }, { title: 'None', asks: [] }])).toBe(`# AWS_ENDPOINT_URL says where the server is.
# The change
aws connect create-queue \\
    --instance-id i-1 \\
    --name 'Bob'\\''s' \\
    --max-contacts 5 \\
    --quick-connect-ids a b \\
    --outbound-caller-config '{"OutboundCallerIdName":"Us"}' \\
    --no-is-on
`);
});

it('writes Python', () => {
  expect(code('boto3', [{ title: 'The change', asks }])).toContain(`connect.create_queue(
    InstanceId="i-1",
    Name="Bob's",
    MaxContacts=5,
    QuickConnectIds=["a", "b"],
    OutboundCallerConfig={"OutboundCallerIdName": "Us"},
    IsOn=False,
)`);
  expect(python({ a: [{ b: null }], c: true })).toBe('{\n    "a": [\n        {"b": None},\n    ],\n    "c": True,\n}');
});

it('writes what is no operation of Amazon as a command of curl, in both languages', () => {
  const shell = signedByCurl('/tympan/instances/i-1/prompts?name=a', ['-X PUT']);
  expect(shell).toBe(`curl --aws-sigv4 "aws:amz:$AWS_REGION:tympan" --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" \\
    -X PUT \\
    "$AWS_ENDPOINT_URL"'/tympan/instances/i-1/prompts?name=a'`);
  const parts = [{ title: 'The sound', asks: [{ operation: 'GetPromptAudio', members: {}, shell }] }];
  expect(code('aws cli', parts)).toContain(`# The sound\n${shell}\n`);
  expect(code('boto3', parts)).toContain('# No client of boto3 has it. In a shell:\n# curl --aws-sigv4');
});
