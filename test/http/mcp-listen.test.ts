/** What a listen request asks for is narrowed to what its caller may read, and looked at no further than can be followed. */
import { expect, test } from 'vitest';
import { narrowed } from '#http/mcp-listen.ts';
import { MCP_SUBSCRIPTIONS_MAX } from '#limits.ts';

const listen = (notifications: unknown) => ({
  jsonrpc: '2.0' as const,
  id: 1,
  method: 'subscriptions/listen',
  params: { notifications },
});

test('an address that may not be read is left out, one said twice is asked for once', async () => {
  const asked: string[] = [];
  const { params } = await narrowed(
    listen({ toolsListChanged: true, resourceSubscriptions: ['a', 'b', 'a', 'c'] }),
    async (uri) => asked.push(uri) > 0 && uri !== 'b',
  );
  expect(asked).toEqual(['a', 'b', 'c']);
  expect(params).toEqual({
    notifications: { toolsListChanged: true, resourceSubscriptions: ['a', 'c'] },
  });
});

test('thousands of addresses do not hold up everybody else: each is a read, and only so many can be followed', async () => {
  const asked: string[] = [];
  const resourceSubscriptions = Array.from({ length: 4_900 }, (_, n) => `portcullis://orders/${n}`);
  const { params } = await narrowed(listen({ resourceSubscriptions }), async (uri) => asked.push(uri) < 0);
  expect(asked).toEqual(resourceSubscriptions.slice(0, MCP_SUBSCRIPTIONS_MAX));
  expect(params).toEqual({ notifications: { resourceSubscriptions: [] } });
});
