import { describe, expect, it } from 'vitest';
import { readFlow, readingOrder } from './model';
import { templatesOf } from './templates';

describe('templates', () => {
  for (const template of templatesOf('CONTACT_FLOW')) {
    it(`${template.name}: every branch leads to a block, and every block is reached`, () => {
      const content = template.content('CONTACT_FLOW', 'QUEUE');
      const read = readFlow(content);
      expect(read).toBeDefined();
      if (!read) return;
      for (const [, to] of content.matchAll(/"NextAction": "([^"]+)"/g)) expect([...read.byId.keys()]).toContain(to);
      expect([...readingOrder(read).unreached]).toEqual([]);
    });
  }

  it('a queue of the form is the one that callers wait in', () => {
    const queue = templatesOf('CONTACT_FLOW').find((one) => one.hasQueue);
    expect(queue?.content('CONTACT_FLOW', 'arn:q')).toContain('"QueueId": "arn:q"');
  });

  it('types whose flows call for other blocks have the empty one alone', () => {
    for (const type of ['CUSTOMER_WHISPER', 'AGENT_HOLD', 'MODULE']) expect(templatesOf(type).map((one) => one.id)).toEqual(['empty']);
  });
});
