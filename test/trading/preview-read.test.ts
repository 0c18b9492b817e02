/** A preview under read:account: as an order would be judged, with the broker's margin, and nothing left behind. */
import { describe, expect, it } from 'vitest';
import { money } from '#domain/decimal.ts';
import { OWNER_CLI, type Principal } from '#domain/principal.ts';
import { BROKER_CALL_TIMEOUT_MS } from '#limits.ts';
import { books } from '../support/books.ts';
import { settled } from '../support/limit-storm.ts';
import { type ScriptedBroker, scriptedBroker } from '../support/scripted-broker.ts';
import {
  draft,
  flatTape,
  granted,
  place,
  refusal,
  SECOND,
  type TradingRoom,
  tradingRoom,
} from '../support/trading-room.ts';

async function scene(change: Partial<ScriptedBroker> = {}) {
  const broker = scriptedBroker('paper', { capabilities: { marginPreview: true } });
  Object.assign(broker, change);
  const room = await tradingRoom({ csv: flatTape('1450', 300), adapter: () => broker });
  const full = room.agent('claude');
  const reader: Principal = { ...full, scopes: new Set(['read:account']) };
  return { broker, room, full, reader };
}
const buy = draft({ side: 'buy', qty: '2', limit: '1440' });
const everything = (room: TradingRoom) => ({
  books: books(room.store),
  keys: room.store.db.prepare('SELECT count(*) FROM idempotency').pluck().get(),
  approvals: room.store.db.prepare('SELECT count(*) FROM approvals').pluck().get(),
});

describe('a preview for a reader', () => {
  it('has the figures of an order’s own preview, and leaves no order, no token and no reservation', async () => {
    const { broker, room, full, reader } = await scene();
    const before = everything(room);
    const seen = granted(await room.trading.previewOrder(reader, buy));
    const own = granted(
      await room.trading.placeOrder(full, buy, { kind: 'preview', tool: 'place_order', digest: 'd' }),
    );
    if (!own.dryRun) throw new Error('it was placed');
    const { underMandate, ...figures } = seen;
    expect(JSON.stringify(figures)).toBe(JSON.stringify(own.preview));
    expect({ margin: seen.margin, underMandate }).toEqual({ margin: null, underMandate: true });
    expect(seen).not.toHaveProperty('actionToken');
    expect(everything(room)).toEqual(before);
    expect(broker.sent.place).toEqual([]);
  });

  it('refuses as the order would be refused, by the mandate and by the market', async () => {
    const { room, reader } = await scene();
    room.agent('claude', { max_order_qty: '1' });
    expect(refusal(await room.trading.previewOrder(reader, buy)).reason).toBe('max_order_qty');
    room.agent('claude', {});
    const far = draft({ side: 'buy', qty: '2', limit: '900' });
    expect(refusal(await room.trading.previewOrder(reader, far)).reason).toBe('price_collar');
  });

  it('says that the owner would be asked', async () => {
    const { room, reader } = await scene();
    room.agent('claude', { approval: 'always' });
    expect(granted(await room.trading.previewOrder(reader, buy)).needsApproval).toBe(true);
  });

  it('needs no mandate, says so, and lets no order through for that', async () => {
    const { room } = await scene();
    granted(room.access.agents.create('looker', ['paper'], OWNER_CLI));
    const key = granted(
      room.access.keys.create({ agent: 'looker', scopes: ['read:account'], by: OWNER_CLI }),
    );
    const looker = granted(room.access.keys.authenticate(key.key, { door: 'http' }));
    const seen = granted(await room.trading.previewOrder(looker, buy));
    expect(seen.underMandate).toBe(false);
    expect(seen.warnings.at(-1)).toMatch(/You have no mandate/);
    const trader: Principal = { ...looker, scopes: new Set(['read:account', 'write:orders']) };
    const dry = { kind: 'preview', tool: 'place_order', digest: 'd' } as const;
    expect(refusal(await room.trading.placeOrder(trader, buy, dry)).reason).toBe('no_mandate');
    const far = draft({ side: 'buy', qty: '2', limit: '900' });
    expect(refusal(await room.trading.previewOrder(looker, far)).reason).toBe('price_collar');
  });

  it('is of the reader’s own accounts alone', async () => {
    const { room, reader } = await scene();
    const other = await room.trading.previewOrder(reader, { ...buy, account: SECOND });
    expect(refusal(other).reason).toBe('account_not_allowed');
  });

  it('carries the margin that the broker asks for, and says when the broker did not say', async () => {
    const margin = { required: money('288.5'), fees: money('1.2'), source: 'broker' as const };
    const told = await scene({ margin: () => Promise.resolve(margin) });
    expect(granted(await told.room.trading.previewOrder(told.reader, buy)).margin).toEqual(margin);
    for (const silent of [
      () => Promise.reject(new Error('503')),
      () => new Promise<never>(() => undefined),
    ]) {
      const { room, reader } = await scene({ margin: silent });
      const asking = room.trading.previewOrder(reader, buy);
      await settled();
      await room.clock.advanceAsync(BROKER_CALL_TIMEOUT_MS + 1);
      const seen = granted(await asking);
      expect(seen.margin).toBeNull();
      expect(seen.warnings.at(-1)).toMatch(/did not say what margin/);
    }
  });

  it('asks no margin of a broker that declares none', async () => {
    let asked = 0;
    const { broker, room, reader } = await scene({
      margin: () => {
        asked++;
        return Promise.reject(new Error('never'));
      },
    });
    Object.assign(broker, { capabilities: { ...broker.capabilities, marginPreview: false } });
    expect(granted(await room.trading.previewOrder(reader, buy)).margin).toBeNull();
    expect(asked).toBe(0);
  });

  it('takes nothing of the buying power from the order that follows it', async () => {
    const { room, full, reader } = await scene();
    room.agent('claude', { max_daily_orders: 1 });
    for (let time = 0; time < 3; time++) granted(await room.trading.previewOrder(reader, buy));
    expect((await place(room, full, buy)).status).toBe('open');
  });
});
