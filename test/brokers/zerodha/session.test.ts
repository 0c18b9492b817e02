/** The daily session at Kite: signing in, its end in the middle of everything, and a feed that is alive again without a restart. */
import { afterEach, describe, expect, it } from 'vitest';
import { type KiteRoom, MONDAY, openKiteRoom, type RoomOptions } from './kite-room.ts';
import { SIM_KEY, SIM_SECRET } from './kite-sim.ts';
import { nextSixMs } from './kite-world.ts';

let room: KiteRoom;
const open = async (options?: RoomOptions): Promise<KiteRoom> => (room = await openKiteRoom(options));
afterEach(() => room.close());
const connections = () =>
  room.events.flatMap((event) => (event.kind === 'connection' ? [[event.connected, event.detail]] : []));
/** The owner's browser: Kite's page, then the address that it sends them back to. */
async function signIn(state = 'a-state'): Promise<Readonly<Record<string, string>>> {
  const url = room.adapter.signIn?.url(state) ?? '';
  const page = await fetch(url, { redirect: 'manual' });
  return Object.fromEntries(new URL(page.headers.get('location') ?? '').searchParams);
}
const finish = (query: Readonly<Record<string, string>>) =>
  room.soon(room.adapter.signIn?.finish(query) ?? Promise.reject(new Error('it has no sign-in')));

describe('an account that nobody has signed in', () => {
  it('says so, sends nothing, and works once its owner has been to Kite’s page', async () => {
    const { adapter, sim } = await open({ signedIn: false });
    expect(adapter.health()).toMatchObject({ connected: false, signInNeeded: true, sessionEndsAtMs: null });
    const refused = await room.soon(adapter.place(room.order({ product: 'mis' })));
    expect(refused).toMatchObject({ kind: 'not_sent', reason: expect.stringContaining('sign in') });
    await expect(room.soon(adapter.positions())).rejects.toThrow(/sign in/);
    expect([sim.sent(), sim.requests.length, sim.sockets()]).toEqual([[], 0, 0]);

    const query = await signIn();
    expect(query).toMatchObject({ state: 'a-state', status: 'success', request_token: expect.any(String) });
    expect(await finish(query)).toEqual({ ok: true, value: undefined });
    await room.until(() => adapter.connected(), 'it is connected');
    expect(adapter.health()).toMatchObject({
      connected: true,
      trouble: null,
      signInNeeded: false,
      sessionEndsAtMs: nextSixMs(MONDAY),
    });
    // The secret stays here: Kite is shown what it makes of it.
    expect(sim.requests.map(({ body }) => body).join()).not.toContain(SIM_SECRET);
    expect((await room.soon(adapter.place(room.order({ product: 'mis' })))).kind).toBe('accepted');
  });

  it('takes no sign-in twice, none without a token, and none of another user', async () => {
    const { adapter, sim, slot } = await open({ signedIn: false });
    const query = await signIn();
    expect((await finish(query)).ok).toBe(true);
    const kept = slot.read();
    for (const bad of [query, { status: 'success' }, { status: 'cancelled', request_token: 'abcdefgh12' }]) {
      const told = await finish(bad);
      expect(told.ok).toBe(false);
      expect(JSON.stringify(told)).not.toContain(SIM_SECRET);
    }
    slot.write(kept?.replace('XX0000', 'ZZ9999'));
    await room.restart();
    const other = await finish(await signIn());
    expect(other).toMatchObject({ ok: false, error: expect.stringContaining('another user') });
    expect(adapter).not.toBe(room.adapter);
    expect(sim.sent()).toEqual([]);
  });
});

describe('a session', () => {
  it('is kept through a restart, with nothing but its slot', async () => {
    const { sim } = await open();
    await room.restart();
    expect(room.adapter.health()).toMatchObject({ connected: true, signInNeeded: false });
    expect(sim.requests.filter(({ path }) => path === '/session/token')).toEqual([]);
  });

  it('warns before six in the morning, ends then, and lives again after the owner’s sign-in', async () => {
    const { adapter, sim, clock } = await open({ startMs: Date.UTC(2026, 0, 6, 0, 29) });
    const quotes: number[] = [];
    adapter.market?.onQuotes((told) => quotes.push(told.length));
    adapter.market?.follow([room.listing('NSE:INFY')]);
    await room.until(() => quotes.length > 0, 'a quote comes');
    expect(adapter.health().trouble).toMatch(/ends at 06:00 India time, in 1 minute:/);
    await room.until(() => !adapter.connected(), 'it is not connected any more');
    // 06:00 in India is 00:30 UTC.
    expect(clock.wallMs() - Date.UTC(2026, 0, 6, 0, 30)).toBeLessThan(1_000);
    expect(adapter.health()).toMatchObject({ signInNeeded: true, sessionEndsAtMs: null });
    expect(adapter.market?.heardAtMs()).toBeUndefined();
    expect(connections().at(-1)).toEqual([false, expect.stringContaining('sign in')]);
    expect(await room.soon(adapter.place(room.order({ product: 'mis', limit: '1490' })))).toMatchObject({
      kind: 'not_sent',
    });
    expect(sim.sent()).toEqual([]);

    await finish(await signIn());
    await room.until(() => adapter.connected(), 'it is connected again');
    const before = quotes.length;
    await room.until(() => sim.subscriptions().size > 0, 'what was followed is subscribed to again');
    sim.pushTicks('NSE:INFY');
    await room.until(() => quotes.length > before, 'quotes come again');
    expect(connections().map(([connected]) => connected)).toEqual([true, false, true]);
  });

  it('that Kite ends in the middle of the day stops everything at the first refusal, and a placed order is not doubled', async () => {
    const { adapter, sim } = await open();
    sim.books.matches = false;
    const working = room.order({ product: 'mis', limit: '1490' });
    await room.soon(adapter.place(working));
    sim.expireToken();
    const refused = await room.soon(adapter.place(room.order({ product: 'mis', limit: '1490' })));
    expect(['rejected', 'not_sent']).toContain(refused.kind);
    await room.until(() => adapter.health().signInNeeded, 'the owner is asked for');
    const asked = sim.requests.length;
    await room.pass(120_000);
    // Nobody knocks at a door that is shut: without a session nothing is asked at all.
    expect(sim.requests.length - asked).toBe(0);
    expect(sim.books.orders).toHaveLength(1);

    // While nobody was signed in it filled; the comparison brings it, under its id.
    sim.books.fill(working.brokerClientId && (sim.books.orders[0]?.order_id ?? ''), 10, 1490);
    await finish(await signIn());
    await room.until(() => adapter.connected(), 'it is connected again');
    const found = await room.soon(adapter.orderByClientId(working.brokerClientId));
    expect(found).toMatchObject({ status: 'filled', brokerClientId: working.brokerClientId });
  });

  it('is in no message, no address that stays, and no trouble', async () => {
    const { adapter, sim } = await open();
    const token = sim.token() ?? '';
    sim.fault({ match: /^GET \/orders$/, handled: false, does: 'drop' });
    const failed = await room.soon(adapter.openOrders().catch((cause: Error) => cause.message));
    sim.refuseSockets = true;
    sim.dropSockets();
    await room.until(() => !adapter.connected(), 'it is down');
    const said = JSON.stringify([failed, room.events, adapter.health()]);
    for (const secret of [token, SIM_KEY, SIM_SECRET]) expect(said).not.toContain(secret);
    expect(adapter.health().trouble).toMatch(/stream of Kite is down/);
  });
});

describe('the stream', () => {
  it('that stands and says nothing is found dead within half a minute, and opened anew', async () => {
    const { adapter, sim, clock } = await open();
    adapter.market?.follow([room.listing('NSE:INFY')]);
    sim.freezeSockets();
    const began = clock.monotonicMs();
    await room.until(() => !adapter.connected(), 'it is found dead');
    expect(clock.monotonicMs() - began).toBeLessThan(30_000);
    await room.until(() => adapter.connected(), 'it is open again');
    await room.until(() => sim.subscriptions().get(408065) === 'full', 'and follows what it followed');
  });

  it('tells an order’s newest word alone, however its words come', async () => {
    const { adapter, sim } = await open();
    sim.books.matches = false;
    const order = room.order({ product: 'mis', limit: '1490' });
    await room.soon(adapter.place(order));
    const id = sim.books.orders[0]?.order_id ?? '';
    sim.hold();
    sim.books.fill(id, 4, 1490);
    sim.books.fill(id, 6, 1489.9);
    sim.release('reversed');
    const told = () => room.events.flatMap((event) => (event.kind === 'order' ? event.order.status : []));
    await room.until(() => told().includes('filled'), 'it is told filled');
    sim.pushRaw(
      JSON.stringify({
        type: 'order',
        id: '',
        data: { ...sim.books.orders[0], status: 'OPEN', filled_quantity: 4 },
      }),
    );
    await room.pass(1_000);
    expect(told().slice(told().indexOf('filled'))).toEqual(['filled']);
    const ids = room.events.flatMap((event) =>
      event.kind === 'execution' ? event.execution.executionId : [],
    );
    expect(new Set(ids).size).toBe(2);
  });
});
