// Accounts in a running gateway: added, changed, begun anew and removed at once, on the record, and refused where it would hurt.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { auditQuery } from '#audit/query.ts';
import { openAccountDesk } from '#cli/account-desk.ts';
import type { AccountEntry } from '#console/account-desk-views.ts';
import type { AccountDesk } from '#console/desks.ts';
import { OWNER_CONSOLE } from '#domain/principal.ts';
import type { Refusal } from '#domain/refusal.ts';
import type { Result } from '#domain/result.ts';
import { type GatewayOptions, openTestGateway, type TestGateway } from '../support/gateway.ts';

const opened: TestGateway[] = [];
async function desk(options: GatewayOptions = {}): Promise<TestGateway & { readonly desk: AccountDesk }> {
  const gate = await openTestGateway({ http: false, ...options });
  opened.push(gate);
  await gate.clock.advanceAsync(1_000);
  return Object.assign(gate, { desk: openAccountDesk(gate.gateway, OWNER_CONSOLE) });
}
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
});

const fields = (result: Result<unknown, Refusal>): readonly string[] | string =>
  result.ok ? 'granted' : (result.error.errors ?? []).map(({ field, rule }) => `${field}: ${rule}`);
const entry = async (on: AccountDesk, id: string): Promise<AccountEntry> => {
  const found = (await on.list()).find((one) => one.id === id);
  if (found === undefined) throw new Error(`${id} is not listed`);
  return found;
};
const told = ({ gateway }: TestGateway, kind: string) => {
  gateway.audit.flush();
  return auditQuery(gateway.store, gateway.keyring).tail(9, { kind });
};
/** A limit that rests, within the collar. */
const below = ({ gateway: { feed } }: TestGateway) => {
  const quote = feed.quote(feed.tape.instrument.id);
  return { type: 'limit', limit_price: quote?.bid.times('0.96').toFixed(2) };
};
let keys = 0;
async function order(gate: TestGateway, fields: object): Promise<Record<string, unknown>> {
  const whole = { symbol: 'SPX', type: 'market', time_in_force: 'gtc', ...fields };
  const preview = await gate.call('place_order', whole);
  const token = preview?.ok === true ? preview.output['action_token'] : undefined;
  const sent = { ...whole, dry_run: false, action_token: token, idempotency_key: `k${++keys}` };
  const placed = await gate.call('place_order', sent);
  if (placed?.ok !== true) throw new Error(JSON.stringify(placed));
  return placed.output['order'] as Record<string, unknown>;
}

const SECOND = { name: 'second', cash: '2500.50', preset: 'friendly', seed: '7', accountType: 'cash' };

describe('a new account', () => {
  it('is at work at once, with what was entered, by the owner at the console', async () => {
    const it = await desk();
    expect(await it.desk.add(SECOND)).toMatchObject({ ok: true, value: { id: 'second', currency: 'USD' } });
    const added = await entry(it.desk, 'second');
    expect(added).toMatchObject({
      mode: 'paper',
      connected: true,
      problem: null,
      tradingState: 'ACTIVE',
      workingOrders: 0,
      held: [],
      paper: { cash: '2500.50', preset: 'friendly', seed: '7', accountType: 'cash' },
      fixed: {},
    });
    expect([added.cash?.toFixed(), added.equity?.toFixed()]).toEqual(['2500.5', '2500.5']);
    expect(added.reconciledAtMs).not.toBeNull();
    expect(told(it, 'account.added').at(-1)).toMatchObject({ account: 'second', door: 'console' });
  });

  it('is refused with every field that is wrong, and nothing is added', async () => {
    const it = await desk();
    const wrong = { name: 'Not A Name', cash: '-1', preset: 'kind', seed: '1.5', accountType: 'credit' };
    expect(fields(await it.desk.add(wrong))).toEqual([
      expect.stringMatching(/^name: must be 1 to 40 small letters/),
      'preset: must be friendly, realistic or hostile',
      expect.stringMatching(/^seed: must be a whole number/),
      expect.stringMatching(/^cash: must be an amount/),
      'accountType: must be cash or margin',
    ]);
    expect(fields(await it.desk.add({ ...SECOND, name: 'paper' }))).toEqual([
      'name: was given before, and its books are kept: choose another',
    ]);
    expect((await it.desk.list()).map(({ id }) => id)).toEqual(['paper']);
  });

  it('begins with PAPER_* as they act now, a change of this minute included', async () => {
    const it = await desk();
    expect(it.desk.defaults()).toEqual({
      cash: '100000',
      preset: 'realistic',
      seed: '1',
      accountType: 'margin',
    });
    const settings = it.gateway.settings.desk(OWNER_CONSOLE, () => undefined);
    expect(settings.save({ PAPER_PRESET: 'friendly' })).toMatchObject({ ok: true, value: { waiting: [] } });
    expect(it.desk.defaults()).toMatchObject({ preset: 'friendly' });
    expect((await entry(it.desk, 'paper')).paper).toMatchObject({ preset: 'realistic' });
  });
});

describe('changing an account', () => {
  it('acts at once and over the next start, with orders and positions as they were', async () => {
    const first = await desk({ settings: { PAPER_CASH: '90000' } });
    const resting = await order(first, { side: 'buy', qty: '1', ...below(first) });
    const texts = { preset: 'friendly', seed: '5', accountType: 'margin' };
    expect(await first.desk.change('paper', texts)).toEqual({ ok: true, value: ['preset', 'seed'] });
    expect(await entry(first.desk, 'paper')).toMatchObject({
      connected: true,
      workingOrders: 1,
      paper: texts,
    });
    await order(first, { side: 'buy', qty: '2' });
    // The friendly market has no latency: the next step fills it.
    await first.clock.advanceAsync(1_000);
    expect((await entry(first.desk, 'paper')).held.map(({ qty }) => qty.toFixed())).toEqual(['2']);
    expect(told(first, 'account.changed')).toMatchObject([
      {
        door: 'console',
        detail: { before: { preset: 'realistic' }, after: { preset: 'friendly' } },
      },
    ]);
    expect(told(first, 'reconcile.mismatch')).toEqual([]);
    await first.stop();
    const later = await desk({ folder: first.folder, settings: { PAPER_CASH: '90000' } });
    expect(await entry(later.desk, 'paper')).toMatchObject({ paper: texts, workingOrders: 1 });
    expect(await later.call('get_order', { order_id: resting['order_id'] })).toMatchObject({ ok: true });
  });

  it('leaves one connection to the books: an order that waits through it is filled once', async () => {
    const it = await desk();
    await order(it, { side: 'buy', qty: '2' });
    const connection = () => [...it.gateway.engine.adapters.values()];
    const [former] = connection();
    const texts = { preset: 'friendly', seed: '1', accountType: 'margin' };
    expect(await it.desk.change('paper', texts)).toMatchObject({ ok: true });
    expect([former?.connected(), ...connection().map((one) => one.connected())]).toEqual([false, true]);
    await it.clock.advanceAsync(5_000);
    expect(await it.call('get_trades')).toMatchObject({ output: { trades: [{ qty: '2' }] } });
    expect(told(it, 'broker.event_failed')).toEqual([]);
    expect(told(it, 'reconcile.mismatch')).toEqual([]);
  });

  it('that changes nothing leaves no line', async () => {
    const it = await desk();
    const same = { preset: 'realistic', seed: '1', accountType: 'margin' };
    expect(await it.desk.change('paper', same)).toEqual({ ok: true, value: [] });
    expect(told(it, 'account.changed')).toEqual([]);
  });

  it('is refused for what the environment fixes, and only for that', async () => {
    const it = await desk({ settings: { PAPER_PRESET: 'friendly' } });
    expect((await entry(it.desk, 'paper')).fixed).toEqual({ preset: 'the environment' });
    const hostile = { preset: 'hostile', seed: '1', accountType: 'margin' };
    expect(fields(await it.desk.change('paper', hostile))).toEqual([
      'preset: is fixed by the environment (PAPER_PRESET)',
    ]);
    const seed = { ...hostile, preset: 'friendly', seed: '4' };
    expect(await it.desk.change('paper', seed)).toMatchObject({ ok: true, value: ['seed'] });
    await it.desk.add(SECOND);
    expect(await it.desk.change('second', { ...hostile, accountType: 'cash' })).toMatchObject({ ok: true });
  });

  it('keeps the account type while somebody is short or an order works', async () => {
    const it = await desk({ settings: { PAPER_PRESET: 'friendly' } });
    const key = it.key('shorty');
    const mandate = {
      accounts: ['paper'],
      symbols: ['SPX'],
      sides: ['buy', 'sell'],
      may_reduce: 'own',
      order_types: ['market', 'limit'],
      allow_short: true,
      max_order_qty: '100',
      max_order_value: '100000',
      max_daily_value: '500000',
      max_daily_orders: 50,
      max_daily_loss: '50000',
      max_open_orders: 10,
      max_gross_exposure: '500000',
      trading_hours: 'any',
      expires_at: null,
      commit: 'one_step',
      approval: 'never',
    };
    expect(it.gateway.access.mandates.set('shorty', mandate, OWNER_CONSOLE)).toMatchObject({ ok: true });
    const who = it.gateway.access.keys.authenticate(key.key, { door: 'rest' });
    if (!who.ok) throw new Error(who.error.detail);
    const short = { symbol: 'SPX', side: 'sell', qty: '1', type: 'market', time_in_force: 'gtc' };
    const sold = await it.call('place_order', { ...short, dry_run: false, idempotency_key: 's' }, who.value);
    expect(sold).toMatchObject({ ok: true });
    await it.clock.advanceAsync(2_000);
    await order(it, { side: 'buy', qty: '1', ...below(it) });
    const cash = { preset: 'friendly', seed: '1', accountType: 'cash' };
    expect(fields(await it.desk.change('paper', cash))).toEqual([
      'accountType: can not change while 1 order works and shorty is short 1 SPX',
    ]);
    expect((await entry(it.desk, 'paper')).paper).toMatchObject({ accountType: 'margin' });
  });
});

describe('beginning anew', () => {
  it('cancels, settles and starts with the deposit, which is the account’s from then on', async () => {
    const it = await desk({ settings: { PAPER_PRESET: 'friendly' } });
    await order(it, { side: 'buy', qty: '2' });
    await it.clock.advanceAsync(2_000);
    await order(it, { side: 'buy', qty: '1', ...below(it) });
    expect(await it.desk.reset('paper', '12345.67')).toMatchObject({
      ok: true,
      value: { canceled: [expect.any(String)] },
    });
    const fresh = await entry(it.desk, 'paper');
    expect(fresh).toMatchObject({ workingOrders: 0, held: [], paper: { cash: '12345.67' } });
    expect([fresh.cash?.toFixed(), fresh.equity?.toFixed()]).toEqual(['12345.67', '12345.67']);
    expect(await it.call('get_account')).toMatchObject({ output: { account: { day_pnl: '0' } } });
    expect(await it.call('get_orders', { status: 'all' })).toMatchObject({
      output: { orders: [{ status: 'filled' }, { status: 'canceled' }, { status: 'filled' }] },
    });
    expect(fields(await it.desk.reset('paper', 'much'))).toEqual([
      expect.stringMatching(/^cash: must be an amount/),
    ]);
    expect(await it.desk.reset('nobody', '1')).toMatchObject({ ok: false, error: { reason: 'not_found' } });
  });
});

describe('two acts on one account', () => {
  it('do not meet: the second is refused while the first is under way', async () => {
    const it = await desk();
    const texts = { preset: 'friendly', seed: '1', accountType: 'margin' };
    const [first, second, third] = await Promise.all([
      it.desk.reset('paper', '1000'),
      it.desk.change('paper', texts),
      it.desk.remove('paper'),
    ]);
    expect(first).toMatchObject({ ok: true });
    for (const one of [second, third])
      expect(one).toMatchObject({ ok: false, error: { reason: 'reconciling' } });
    expect(await it.desk.change('paper', texts)).toMatchObject({ ok: true });
  });
});

describe('removing', () => {
  it('needs it empty, and then takes it out of the running line', async () => {
    const it = await desk({ settings: { PAPER_PRESET: 'friendly' } });
    await it.desk.add(SECOND);
    await order(it, { side: 'buy', qty: '2' });
    await it.clock.advanceAsync(2_000);
    expect(await it.desk.remove('paper')).toMatchObject({
      ok: false,
      error: { detail: expect.stringMatching(/^paper still has 2 .*: cancel and close first\.$/) },
    });
    expect(await it.desk.remove('second')).toEqual({ ok: true, value: undefined });
    expect((await it.desk.list()).map(({ id }) => id)).toEqual(['paper']);
    expect([...it.gateway.engine.adapters.keys()]).toEqual(['paper']);
  });
});

describe('the tape', () => {
  const csv = (folder: string): string => {
    const file = join(folder, 'btc.csv');
    const rows = Array.from({ length: 40 }, (_, day) => {
      const date = new Date(Date.UTC(2024, 0, 1 + day)).toISOString().slice(0, 10);
      return `${date},100,110,90,105,5`;
    });
    writeFileSync(file, ['date,open,high,low,close,volume', ...rows].join('\n'));
    return file;
  };

  it('says what plays, how fast and where it stands', async () => {
    const it = await desk({ settings: { PAPER_BAR_SECONDS: '4' } });
    await it.clock.advanceAsync(8_000);
    expect(it.desk.tape()).toMatchObject({
      symbol: 'SPX',
      file: 'sample',
      run: 1,
      bar: 3,
      barSeconds: 4,
      next: null,
      setAside: null,
      fixedBy: null,
      speedFixedBy: 'the environment',
      symbols: expect.arrayContaining(['BTC/USD', 'SPY']),
    });
  });

  it('changes its speed at once', async () => {
    const it = await desk();
    expect(await it.desk.changeSpeed('2')).toEqual({ ok: true, value: undefined });
    expect(it.desk.tape()).toMatchObject({ barSeconds: 2, speedFixedBy: null });
    expect(fields(await it.desk.changeSpeed('fast'))).toEqual([
      expect.stringMatching(/^PAPER_BAR_SECONDS: must be/),
    ]);
  });

  it('is read before it is chosen, says what the next start will end, and plays then', async () => {
    const it = await desk({ settings: { PAPER_PRESET: 'friendly' } });
    await order(it, { side: 'buy', qty: '2' });
    await it.clock.advanceAsync(2_000);
    await order(it, { side: 'buy', qty: '1', ...below(it) });
    const choice = { file: csv(it.folder), symbol: 'BTC/USD' };
    const weighed = await it.desk.weighTape(choice);
    expect(weighed).toMatchObject({
      ok: true,
      value: { symbol: 'BTC/USD', bars: 40, timeframe: '1d', ordersEnding: 1 },
    });
    expect(
      weighed.ok && weighed.value.positionsEnding.map(({ symbol, qty }) => `${qty.toFixed()} ${symbol}`),
    ).toEqual(['2 SPX']);
    expect(await it.desk.chooseTape(choice)).toEqual({ ok: true, value: undefined });
    expect(it.desk.tape()).toMatchObject({ symbol: 'SPX', next: choice });
    await it.stop();

    const later = await desk({ folder: it.folder, settings: { PAPER_PRESET: 'friendly' } });
    expect(later.desk.tape()).toMatchObject({ symbol: 'BTC/USD', file: choice.file, next: null });
    expect(await entry(later.desk, 'paper')).toMatchObject({ held: [], workingOrders: 0, connected: true });
    expect(told(later, 'reconcile.mismatch')).toEqual([]);
  });

  it.each([
    [{ file: '/nowhere.csv', symbol: 'SPY' }, /^PAPER_TAPE: The tape nowhere\.csv can not be read/],
    [{ file: '/nowhere.csv', symbol: 'NOPE' }, /^PAPER_SYMBOL: PAPER_SYMBOL must be one of/],
    [{ file: 'sample', symbol: 'SPY' }, /^PAPER_TAPE: The sample tape is SPX/],
    [{ file: '', symbol: 'SPY' }, /^PAPER_TAPE: must be sample or the path/],
  ])('is not chosen when it is %j', async (choice, said) => {
    const it = await desk();
    for (const refused of [await it.desk.weighTape(choice), await it.desk.chooseTape(choice)])
      expect((fields(refused) as string[])[0]).toMatch(said);
    expect(it.desk.tape().next).toBeNull();
  });

  it('of another currency is not chosen while accounts hold theirs', async () => {
    const it = await desk();
    const refused = await it.desk.chooseTape({ file: csv(it.folder), symbol: 'YESBANK' });
    expect((fields(refused) as string[])[0]).toMatch(
      /is in INR, and accounts hold another currency: remove paper \(USD\) first/,
    );
  });

  it('that the environment names can not be chosen here', async () => {
    const it = await desk({ settings: { PAPER_TAPE: 'sample' } });
    expect(it.desk.tape().fixedBy).toBe('the environment');
    expect(fields(await it.desk.chooseTape({ file: csv(it.folder), symbol: 'BTC/USD' }))).toEqual([
      'PAPER_TAPE: is fixed by the environment',
    ]);
  });
});
