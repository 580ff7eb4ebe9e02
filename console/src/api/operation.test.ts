import { afterEach, expect, it, vi } from 'vitest';
import { operation, pages } from './operation';

afterEach(() => vi.unstubAllGlobals());

const answers = (...bodies: unknown[]): ReturnType<typeof vi.fn> => {
  const fetched = vi.fn(async () => new Response(JSON.stringify(bodies.shift() ?? {}), { status: 200 }));
  vi.stubGlobal('fetch', fetched);
  return fetched;
};

it('puts members into path, query and body', async () => {
  const fetched = answers({});
  const release = operation('DisassociateLambdaFunction', 'DELETE', '/instance/{InstanceId}/lambda-function', { FunctionArn: 'functionArn' });
  await release({ InstanceId: 'a/b', FunctionArn: 'arn:x', Other: undefined }).run();
  expect(fetched.mock.calls[0]?.[0]).toBe('/api/connect/instance/a%2Fb/lambda-function?functionArn=arn%3Ax');
  await operation('CreateQueue', 'PUT', '/queues/{InstanceId}')({ InstanceId: 'i', Name: 'Sales' }).run();
  expect(fetched.mock.calls[1]?.[0]).toBe('/api/connect/queues/i');
  expect((fetched.mock.calls[1]?.[1] as RequestInit).body).toBe('{"Name":"Sales"}');
});

it('reads all pages', async () => {
  const fetched = answers({ List: [1, 2], NextToken: 't' }, { List: [3], NextToken: null });
  expect(await pages(operation('ListX', 'GET', '/x/{InstanceId}'), { InstanceId: 'i' }, 'List')).toEqual([1, 2, 3]);
  expect(fetched.mock.calls.map(([address]) => address)).toEqual(['/api/connect/x/i', '/api/connect/x/i?nextToken=t']);
});
