/** The registry of resources and their addresses: one spelling a thing, every one with a tool beside it. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RESOURCE_URI_LENGTH_MAX } from '#limits.ts';
import { openMarkets } from '#market/markets.ts';
import { TOOLS } from '#tools/index.ts';
import { openResourceReader } from '#tools/resource-reader.ts';
import { segmentsOfUri, uriOf } from '#tools/resource-uri.ts';
import { RESOURCES } from '#tools/resources.ts';
import { type HandFeed, handFeed } from '../support/hand-feed.ts';
import { toolRoom } from '../support/tool-room.ts';

const readerOf = (room: ReturnType<typeof toolRoom>) => openResourceReader(room.services, room.dispatcher);

describe('the registry', () => {
  test('has a tool that agents can call beside every resource, and one that only reads', () => {
    for (const { tool, name } of RESOURCES) {
      expect(TOOLS, name).toContain(tool);
      expect(tool.effect, name).toBe('read');
    }
  });
  test('names nothing twice', () => {
    for (const key of ['name', 'template', 'title'] as const)
      expect(new Set(RESOURCES.map((resource) => resource[key])).size).toBe(RESOURCES.length);
  });
  test('gives its tool arguments that it takes', () => {
    for (const { tool, args, name } of RESOURCES) {
      const prepared = tool.prepare(args({ account: 'paper', symbol: 'BTC/USD', order_id: 'ord_1' }));
      expect(prepared.ok, name).toBe(true);
    }
  });
  test('leaves no variable unfilled and no two resources at one address', () => {
    const room = toolRoom();
    const reader = readerOf(room);
    const uris = reader.list(room.principal).map(({ uri }) => uri);
    expect(new Set(uris).size).toBe(uris.length);
    for (const uri of uris) expect(uri).not.toMatch(/[{}]/);
    for (const { description } of reader.list(room.principal)) expect(description).not.toMatch(/\{\w+\}/);
  });
});

describe('an address', () => {
  test('has a slash of a symbol percent-encoded, and leads to the symbol', () => {
    const found = readerOf(toolRoom()).find('portcullis://quotes/BTC%2FUSD');
    expect(found).toMatchObject({
      ok: true,
      value: { values: { symbol: 'BTC/USD' }, resource: { name: 'quote' } },
    });
  });
  test('written in another way is refused with the right one', () => {
    for (const [given, right] of [
      ['portcullis://quotes/BTC%2fUSD', 'portcullis://quotes/BTC%2FUSD'],
      ['portcullis://quotes/%53PX', 'portcullis://quotes/SPX'],
      ['portcullis://quotes/S&P', 'portcullis://quotes/S%26P'],
      ['portcullis://status?x=1', 'portcullis://status%3Fx%3D1'],
    ] as const)
      expect(segmentsOfUri(given)).toMatchObject({
        ok: false,
        error: { reason: 'invalid_input', did_you_mean: [right] },
      });
  });
  test('of a symbol whose slash was left as it is is refused with the right one', () => {
    const reader = readerOf(toolRoom());
    for (const [given, right] of [
      ['portcullis://quotes/BTC/USD', 'portcullis://quotes/BTC%2FUSD'],
      ['portcullis://market-clock/BTC/USD', 'portcullis://market-clock/BTC%2FUSD'],
    ] as const)
      expect(reader.find(given)).toMatchObject({
        ok: false,
        error: { reason: 'invalid_input', did_you_mean: [right] },
      });
  });
  test('of anything else is not found', () => {
    const reader = readerOf(toolRoom());
    for (const uri of [
      '',
      'portcullis:',
      'portcullis://',
      'portcullis:///',
      'portcullis://quotes/',
      'portcullis://quotes',
      'portcullis://quotes/NOT/KNOWN',
      'portcullis://orders/BTC/USD',
      'portcullis://quotes/%',
      'portcullis://quotes/%FF',
      'portcullis://quotes/\uD800',
      'PORTCULLIS://status',
      'portcullis://Status',
      'portcullis://orders/a/b',
      'portcullis://accounts/../status',
      'file:///etc/passwd',
      `portcullis://quotes/${'A'.repeat(RESOURCE_URI_LENGTH_MAX)}`,
    ])
      expect(reader.find(uri), uri).toMatchObject({ ok: false, error: { reason: 'not_found' } });
  });
  test('of any words is one that leads back to them, and no garbage throws', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ minLength: 1, maxLength: 20 }), { minLength: 1, maxLength: 3 }),
        (words) => {
          fc.pre(words.every((word) => word.isWellFormed()));
          const uri = uriOf(words);
          fc.pre(uri.length <= RESOURCE_URI_LENGTH_MAX);
          expect(segmentsOfUri(uri)).toEqual({ ok: true, value: words });
        },
      ),
    );
    const unit = fc.nat(0xffff).map((code) => String.fromCharCode(code));
    fc.assert(fc.property(fc.string({ unit }), (junk) => void segmentsOfUri(`portcullis://${junk}`)));
  });
});

describe('reading', () => {
  test('is a call of the tool, on the record as one', async () => {
    const room = toolRoom();
    const { principal } = room;
    const read = await readerOf(room).read('portcullis://status', { principal, via: 'stdio' });
    expect(read).toMatchObject({ ok: true, value: { version: '0.1.0' } });
    expect(room.recorded()).toMatchObject([{ tool: 'get_gateway_status', outcome: 'ok', door: 'stdio' }]);
  });
  test('without the scope of the tool is refused by the dispatcher and listed for nobody', async () => {
    const room = toolRoom();
    const reader = readerOf(room);
    const principal = room.withScopes('read:market');
    const read = await reader.read('portcullis://mandate', { principal, via: 'http' });
    expect(read).toMatchObject({ ok: false, error: { reason: 'insufficient_scope' } });
    const listed = reader.list(principal).map(({ resource }) => resource.tool.scope);
    expect(new Set(listed)).toEqual(new Set(['read:market']));
    expect(reader.templates(principal).every(({ tool }) => tool.scope === 'read:market')).toBe(true);
  });
});

describe('following', () => {
  test('a quote keeps its feed current, as long as somebody does; following anything else asks nothing of it', async () => {
    let feed: HandFeed | undefined;
    const room = toolRoom({
      change(services) {
        const found = services.book.resolve('BTC/USD', ['built-in']);
        feed = handFeed(services.clock, found.ok ? [found.value] : []);
        return { ...services, markets: openMarkets({ feed, directory: 'built-in' }) };
      },
    });
    const reader = readerOf(room);
    const by = { principal: room.principal, via: 'stdio' } as const;
    const kept: (() => void)[] = [];
    for (const uri of [
      'market-clock',
      'orders/open',
      'accounts/paper',
      'market-clock/BTC%2FUSD',
      'quotes/SPX',
    ]) {
      const followed = await reader.follow(`portcullis://${uri}`, by);
      if (followed.ok) kept.push(followed.value.keep(room.principal));
    }
    const carried = feed?.instruments().length;
    expect(feed?.held().filter((id) => feed?.carries(id))).toEqual([]);
    const quote = await reader.follow('portcullis://quotes/BTC%2FUSD', by);
    if (!quote.ok) throw new Error(quote.error.detail);
    const letGo = quote.value.keep(room.principal);
    expect([feed?.held().filter((id) => feed?.carries(id)).length, carried]).toEqual([1, 0]);
    letGo();
    for (const end of kept) end();
    expect(feed?.held()).toEqual([]);
  });
});
