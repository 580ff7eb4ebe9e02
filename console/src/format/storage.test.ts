import { expect, it } from 'vitest';
import { configOf, placeOf, placeTrouble, placeWords } from './storage';

const stream = { arn: 'arn:aws:kinesis:us-west-2:111122223333:stream/records', bucket: '', prefix: '', key: '' };
const bucket = { arn: '', bucket: 'calls', prefix: 'demo/', key: 'alias/a' };

it('reads what it writes', () => {
  expect(placeOf(configOf('stream', stream))).toEqual(stream);
  expect(placeOf(configOf('bucket', bucket))).toEqual(bucket);
  expect(configOf('bucket', { ...bucket, key: '' }).S3Config).toEqual({ BucketName: 'calls', BucketPrefix: 'demo/' });
});

it('refuses what is no place', () => {
  expect([placeTrouble('stream', stream), placeTrouble('bucket', bucket)]).toEqual(['', '']);
  expect(placeTrouble('stream', { ...stream, arn: 'arn:aws:s3:::x' })).not.toBe('');
  expect(placeTrouble('bucket', { ...bucket, prefix: '' })).not.toBe('');
  expect([placeWords('stream', stream), placeWords('bucket', bucket)]).toEqual(['records', 's3://calls/demo/']);
});
