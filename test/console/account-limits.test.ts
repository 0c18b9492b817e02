/** The limits on the page of an account: shown with what is used, tightened by a form alone, loosened and lifted by the owner's proof. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { OWNER } from '../support/browser.ts';
import { PAPER } from '../support/order-line.ts';
import { formOf, type TradingScene, tradingScene } from '../support/trading-scene.ts';

let scene: TradingScene;
beforeAll(async () => {
  scene = await tradingScene();
});
afterAll(() => scene.gate.close());

const { passphrase } = OWNER;
const PAGE = '/admin/accounts/paper';
const FORM = `${PAGE}/limits`;
const OFF = { max_drawdown: 'off', max_positions: 'off', max_daily_loss: 'off' };
const proofIsOld = () => scene.gate.clock.advanceAsync(6 * 60_000);
/** Three in a hundred above the market: it rests, and no collar refuses it. */
function farAbove(): string {
  const { feed } = scene.gate.gateway;
  const [instrument] = feed.instruments();
  const quote = instrument && feed.quote(instrument.id);
  if (!quote) throw new Error('the tape has not begun');
  return quote.ask.times('1.03').toFixed(0);
}
const view = () => scene.gate.gateway.trading.owner.accountLimits.of(PAPER);

describe('the limits of an account', () => {
  test('stand on its page with what is used, the breaker without anybody having set it', async () => {
    const page = await scene.console.get(PAGE);
    expect(page.words).toMatch(/Below its highest equity 0 %|Below its highest equity .*0\.00 of 30 %/);
    expect(page.words).toMatch(/Lost today 0\.00 USD no limit/);
    expect(page.words).toMatch(/Positions 0 no limit/);
    expect(page.words).toMatch(/Highest equity 100,000\.00 USD/);
    expect(formOf(page.html, FORM)).toMatchObject({ ...OFF, max_drawdown: '30' });
  });

  test('are tightened without a proof', async () => {
    await proofIsOld();
    const entered = { max_drawdown: '20 %', max_positions: '5', max_daily_loss: '1,500.50' };
    const changed = await scene.console.follow(FORM, entered);
    expect(changed.words).toContain('The limits are changed and in force.');
    expect(formOf(changed.html, FORM)).toMatchObject({
      max_drawdown: '20',
      max_positions: '5',
      max_daily_loss: '1500.5',
    });
    const again = await scene.console.follow(FORM, entered);
    expect(again.words).toContain('Nothing was changed: they were set so already.');
  });

  test('are loosened with one alone, whatever else the form tightens', async () => {
    await proofIsOld();
    const looser = { max_drawdown: '10', max_positions: 'Off', max_daily_loss: '1' };
    const asked = await scene.console.post(FORM, looser);
    expect(asked.status).toBe(403);
    expect(asked.words).toContain('Nothing has been done yet');
    expect(view().limits.maxPositions).toBe(5);
    expect(String(view().limits.maxDrawdownPercent)).toBe('20');
    const done = await scene.console.follow(FORM, looser, passphrase);
    expect(done.words).toContain('The limits are changed and in force.');
    expect(view().limits.maxPositions).toBeNull();
  });

  test('that can not be read say so at each field, keep what was entered, and ask for no proof', async () => {
    await proofIsOld();
    const wrong = { max_drawdown: '130', max_positions: '1.5', max_daily_loss: '' };
    const refused = await scene.console.post(FORM, wrong);
    expect(refused.status).toBe(400);
    for (const name of Object.keys(wrong)) expect(refused.html).toContain(`id="limits-${name}-wrong"`);
    expect(refused.html).toMatch(/name="max_drawdown"[^>]*value="130"/);
    expect(refused.html).toMatch(/<details class="add" open>/);
    expect(view().limits.maxPositions).toBeNull();
  });

  test('change by what was entered alone: what another window set since then stays', async () => {
    await scene.console.follow(FORM, { ...OFF, max_positions: '7' }, passphrase);
    const stale = formOf((await scene.console.get(PAGE)).html, FORM);
    await scene.console.follow(FORM, { ...stale, max_positions: '3' });
    await scene.console.follow(FORM, { ...stale, max_daily_loss: '900' });
    expect(view().limits.maxPositions).toBe(3);
    expect(String(view().limits.maxDailyLoss)).toBe('900');
    await scene.console.follow(FORM, { ...OFF, max_drawdown: '10' }, passphrase);
  });

  test('of an account that there is not are nobody’s', async () => {
    const missed = await scene.console.post('/admin/accounts/nobody/limits', OFF, passphrase);
    expect(missed.status).toBe(404);
    expect(
      scene.gate.gateway.store.db.prepare('SELECT account_id FROM account_limits').pluck().all(),
    ).toEqual(['paper']);
  });
});

describe('an account that has reached a limit', () => {
  test('says why, waits for the owner, and adds again once it is lifted with a fresh proof', async () => {
    const claude = scene.agent('claude');
    await scene.placed(claude, { symbol: 'SPX', side: 'sell', qty: '5', type: 'market' });
    const far = await scene.placed(claude, {
      symbol: 'SPX',
      side: 'sell',
      qty: '1',
      type: 'limit',
      limit_price: farAbove(),
    });
    while (view().standing.loss.lte('0')) await scene.play(1);
    const tight = await scene.console.follow(FORM, { ...OFF, max_drawdown: '10', max_daily_loss: '0' });
    expect(tight.words).toMatch(/paper PAPER REDUCING/);
    expect(tight.words).toMatch(
      /paper lost [\d.]+ today and may lose 0\. Nothing can be added there until the next mandate day, or until you lift it\./,
    );
    await scene.play(1);
    const order = await scene.console.get(`/admin/orders/${far}`);
    expect(order.words).toMatch(/the account paper lost [\d.]+ today and may lose 0/);
    const dashboard = await scene.console.get('/admin');
    expect(dashboard.words).toMatch(/The account paper lost [\d.]+ today and may lose 0\./);

    const asked = await scene.console.post(`${PAGE}/lift`, {});
    expect(asked.status).toBe(403);
    expect(asked.words).toContain('Let paper add again.');
    expect(view().reducing).toHaveLength(1);
    const lifted = await scene.console.follow(`${PAGE}/lift`, {}, passphrase);
    expect(lifted.words).toContain('Lifted: paper may add again. Orders that were canceled stay canceled.');
    expect(lifted.words).toMatch(/paper PAPER ACTIVE/);
    expect(lifted.html).not.toContain(`${PAGE}/lift`);
  });
});
