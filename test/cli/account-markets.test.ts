/** What accounts trade on: a broker's own live market, and a paper account on the prices of it, in a whole gateway. */
import { rmSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { auditQuery } from '#audit/query.ts';
import { defineBroker } from '#brokers/broker.ts';
import { PAPER_CAPABILITIES } from '#brokers/paper/adapter.ts';
import { paper } from '#brokers/paper/index.ts';
import { list } from '#cli/account-acts.ts';
import { recordPaperAccount } from '#cli/account-book.ts';
import { openAccountDesk } from '#cli/account-desk.ts';
import { ACTS } from '#cli/acts.ts';
import { carryOut } from '#cli/owner-socket.ts';
import { accountId, OWNER_CLI, OWNER_CONSOLE } from '#domain/principal.ts';
import { gatewayFolder, openTestGateway, type TestGateway } from '../support/gateway.ts';
import { handClock } from '../support/hand-clock.ts';
import { listing } from '../support/listings.ts';
import { scriptedBroker } from '../support/scripted-broker.ts';
import { quoteOf, type ScriptedMarket, scriptedMarket } from '../support/scripted-market.ts';
import { WIDE_MANDATE } from '../support/trading-room.ts';

/** A Monday, 10:00 in New York. */
const OPEN_MS = Date.UTC(2026, 0, 5, 15);
const MSFT = listing('MSFT', { name: 'Microsoft Corporation' });
const AAPL = listing('AAPL');

const opened: TestGateway[] = [];
const folders: string[] = [];
afterEach(async () => {
  for (const one of opened.splice(0)) await one.stop();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

async function gatewayRoom() {
  const folder = gatewayFolder();
  folders.push(folder);
  const clock = handClock(OPEN_MS);
  const market: ScriptedMarket = scriptedMarket(clock, [MSFT, AAPL]);
  market.answer = async (asked) => asked.map((one) => quoteOf(one, ['400', '400.1'], clock.wallMs()));
  const adapters: ReturnType<typeof scriptedBroker>[] = [];
  const acme = defineBroker({
    id: 'acme',
    label: 'Acme',
    modes: ['paper'],
    capabilities: PAPER_CAPABILITIES,
    settings: z.strictObject({}),
    credentials: z.undefined(),
    fields: [],
    directory: () => 'acme',
    currency: () => 'USD',
    connect({ account }) {
      const broker = scriptedBroker();
      adapters.push(broker);
      return { ...broker, account: account.id, broker: 'acme', market };
    },
  });
  const start = await openTestGateway({ folder, clock, http: false, brokers: [paper, acme], start: false });
  opened.push(start);
  const { gateway } = start;
  gateway.accounts.insert({
    id: accountId('main'),
    broker: 'acme',
    mode: 'paper',
    currency: 'USD',
    settings: {},
    createdAtMs: OPEN_MS,
  });
  const added = recordPaperAccount(gateway, { name: 'practice', market: 'live:main' }, OWNER_CLI);
  if (!added.ok) throw new Error(JSON.stringify(added.error));
  await gateway.start();
  const { call, key } = start;
  return { gateway, call, key, clock, market, adapters };
}

type Room = Awaited<ReturnType<typeof gatewayRoom>>;
const act = (name: string) => {
  const found = ACTS.find((one) => one.name === name);
  if (found === undefined) throw new Error(`there is no act ${name}`);
  return found;
};
/** The broker says that it is connected, and its list is read. */
async function connect(room: Room): Promise<void> {
  for (const adapter of room.adapters)
    adapter.emit({ kind: 'connection', connected: true, detail: 'as it should be' });
  await expect.poll(() => room.gateway.listings.state('acme')?.listed).toBe(2);
}

describe('accounts on live markets', () => {
  it('look their symbols up in their broker’s list, and are quoted by its market alone', async () => {
    const room = await gatewayRoom();
    const { markets } = room.gateway.engine;
    const [main, practice, tape] = ['main', 'practice', 'paper'].map(accountId);
    if (!main || !practice || !tape) throw new Error('three accounts');
    expect([main, practice, tape].map((id) => markets.scopeOf(id))).toEqual(['acme', 'acme', 'built-in']);
    expect(markets.of(practice).carries(MSFT.instrument.id)).toBe(false);
    await connect(room);
    await markets.of(practice).follow([MSFT.instrument.id]);
    expect(markets.of(main).quote(MSFT.instrument.id)?.source).toBe('live');
    expect(markets.of(practice).quote(MSFT.instrument.id)?.source).toBe('live');
    expect(markets.of(tape).quote(MSFT.instrument.id)).toBeUndefined();
    const refreshed = auditQuery(room.gateway.store, room.gateway.keyring).tail(10, {
      kind: 'directory.refreshed',
    });
    expect(refreshed).toMatchObject([{ detail: { directory: 'acme', listed: 2 } }]);
  });

  it('have their list on the page of a paper account too, with why it could not be read', async () => {
    const room = await gatewayRoom();
    const desk = openAccountDesk(room.gateway, OWNER_CONSOLE);
    const listOf = async (id: string) => (await desk.list()).find((one) => one.id === id)?.marketList;
    room.gateway.listings.failed('acme', 'The name of the server is not known.');
    const unread = {
      name: 'acme',
      listed: 0,
      refreshedAtMs: null,
      fault: 'The name of the server is not known.',
    };
    expect(await listOf('practice')).toMatchObject(unread);
    expect(await listOf('main')).toBeNull();
    await connect(room);
    expect(await listOf('practice')).toMatchObject({ name: 'acme', listed: 2, fault: null });
  });

  it('fill a paper order at what the broker quotes next', async () => {
    const room = await gatewayRoom();
    await connect(room);
    const { access } = room.gateway;
    access.agents.create('bot', ['practice'], OWNER_CLI);
    const mandate = { ...WIDE_MANDATE, accounts: ['practice'], symbols: ['AAPL'] };
    expect(access.mandates.set('bot', mandate, OWNER_CLI)).toMatchObject({ ok: true });
    expect(access.mandates.set('bot', { ...mandate, symbols: ['SPX'] }, OWNER_CLI)).toMatchObject({
      ok: false,
      error: { reason: 'unknown_symbol' },
    });
    const who = access.keys.authenticate(room.key('bot').key, { door: 'http' });
    if (!who.ok) throw new Error(who.error.detail);
    const order = {
      symbol: 'AAPL',
      side: 'buy',
      qty: '3',
      type: 'market',
      dry_run: false,
      idempotency_key: 'k',
    };
    expect(await room.call('place_order', order, who.value)).toMatchObject({
      ok: true,
      output: { order: { account: 'practice' } },
    });
    expect(await room.call('get_quotes', { symbols: ['MSFT'] }, who.value)).toMatchObject({
      output: { quotes: [{ symbol: 'MSFT', source: 'live' }] },
    });
    for (let tick = 0; tick < 6; tick++) {
      await room.clock.advanceAsync(500);
      room.market.say(quoteOf(AAPL, ['401', '401.1'], room.clock.wallMs()));
    }
    const positions = await room.gateway.engine.adapters.get(accountId('practice'))?.positions();
    expect(positions).toMatchObject([{ instrument: 'ACME:AAPL' }]);
    expect(room.adapters[0]?.sent.place).toEqual([]);
  });

  it('tell of a stream that has died, and have it opened anew', async () => {
    const room = await gatewayRoom();
    await connect(room);
    const feed = room.gateway.engine.markets.of(accountId('main'));
    await feed.follow([MSFT.instrument.id]);
    for (let second = 0; second < 30; second += 5) await room.clock.advanceAsync(5_000);
    const kinds = auditQuery(room.gateway.store, room.gateway.keyring)
      .tail(50)
      .map(({ kind, account }) => `${kind} ${account}`)
      .filter((kind) => kind.startsWith('feed.'));
    expect(kinds.sort()).toEqual(['feed.down main', 'feed.reopened main']);
    expect(room.market.reopened).toHaveLength(1);
    const status = await carryOut(act('market.status'), room.gateway, { input: {} });
    expect(status).toMatchObject({
      ok: true,
      value: { directories: [{ directory: 'acme', listed: 2 }], feeds: [{ name: 'main', down: true }] },
    });
  });

  it('keep those that trade on their prices when they are connected anew, and leave them without prices when they are not', async () => {
    const room = await gatewayRoom();
    await connect(room);
    const { engine } = room.gateway;
    const practice = engine.markets.of(accountId('practice'));
    const ticks: string[] = [];
    practice.onTick(({ quote }) => void ticks.push(quote.instrument));
    await practice.follow([MSFT.instrument.id]);
    const main = room.gateway.accounts.byId(accountId('main'));
    if (main === undefined) throw new Error('no account');
    await engine.accountConnections.disconnect(accountId('main'));
    expect([practice.quote(MSFT.instrument.id), practice.carries(MSFT.instrument.id)]).toEqual([
      undefined,
      false,
    ]);
    await engine.accountConnections.connect(main);
    await practice.follow([MSFT.instrument.id]);
    expect(practice.quote(MSFT.instrument.id)).toBeDefined();
    expect(ticks.length).toBeGreaterThanOrEqual(2);
  });

  it('are told from each other by what they trade on, and whether its list was ever read', async () => {
    const room = await gatewayRoom();
    expect(recordPaperAccount(room.gateway, { name: 'played' }, OWNER_CLI).ok).toBe(true);
    const listed = () => carryOut(list, room.gateway, { input: {} });
    const told = (list_unread: boolean) =>
      expect.arrayContaining([
        expect.objectContaining({ id: 'main', market: null, list_unread }),
        expect.objectContaining({ id: 'practice', market: 'live:main', list_unread }),
        expect.objectContaining({ id: 'played', market: 'tape', list_unread: false }),
      ]);
    expect(await listed()).toMatchObject({ ok: true, value: { accounts: told(true) } });
    await connect(room);
    expect(await listed()).toMatchObject({ ok: true, value: { accounts: told(false) } });
  });

  it('read the list again at the owner’s word, and take bars from elsewhere', async () => {
    const room = await gatewayRoom();
    await connect(room);
    room.market.listed = [MSFT, AAPL, listing('IBM')];
    const refreshed = await carryOut(act('market.refresh'), room.gateway, { input: { account: 'main' } });
    expect(refreshed).toMatchObject({
      ok: true,
      value: { outcomes: [{ kind: 'refreshed', listed: 3, changed: 1 }] },
    });
    expect(
      await carryOut(act('market.refresh'), room.gateway, { input: { account: 'paper' } }),
    ).toMatchObject({
      ok: false,
      error: { reason: 'not_found' },
    });
    const row = [OPEN_MS - 120_000, '1', '2', '0.5', '1.5', '10'] as const;
    const input = {
      instrument: 'ACME:IBM',
      timeframe: '1m',
      bars: [row],
      known: { from: OPEN_MS - 120_000, to: OPEN_MS - 60_000 },
    };
    expect(await carryOut(act('market.import'), room.gateway, { input })).toMatchObject({ ok: true });
    const bars = await room.gateway.engine.markets.of(accountId('main')).bars({
      instrument: listing('IBM').instrument.id,
      timeframe: '1m',
      startMs: OPEN_MS - 120_000,
      endMs: OPEN_MS - 60_000,
      limit: 5,
    });
    expect(bars).toHaveLength(1);
    const ofTape = { ...input, instrument: 'INDEX:SPX' };
    expect(await carryOut(act('market.import'), room.gateway, { input: ofTape })).toMatchObject({
      ok: false,
      error: { reason: 'invalid_input' },
    });
  });
});
