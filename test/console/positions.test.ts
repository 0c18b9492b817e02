/** Positions: a row a holder, sorted and filtered by the address, and closes that name side and quantity first. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Principal } from '#domain/principal.ts';
import { formOf, rowsOf, type TradingScene, tradingScene } from '../support/trading-scene.ts';

let scene: TradingScene;
let claude: Principal;
let scalper: Principal;
beforeAll(async () => {
  scene = await tradingScene();
  claude = scene.agent('claude');
  scalper = scene.agent('scalper');
  await scene.placed(claude, {
    symbol: 'SPX',
    side: 'buy',
    qty: '12',
    type: 'market',
    take_profit: '1900',
    stop_loss: '1000',
  });
  await scene.placed(scalper, { symbol: 'SPX', side: 'sell', qty: '5', type: 'market' });
  await scene.play(20);
});
afterAll(() => scene.gate.close());

const closePath = (who: Principal, more = ''): string =>
  `/admin/close-position?holder=${who.agent}&account=paper&symbol=SPX${more}`;
const NOW = '/admin/close-position/now';

describe('the list', () => {
  test('has a row a holder, with what protects it, and totals of the account', async () => {
    const { html, words } = await scene.console.get('/admin/positions');
    const [first = [], second = []] = rowsOf(html);
    expect(first.slice(0, 4)).toEqual(['SPX long', 'claude', 'paper', '12']);
    expect(first[9]).toBe('profit 1,900 stop 1,000');
    expect(second.slice(0, 4)).toEqual(['SPX short', 'scalper', 'paper', '−5']);
    expect(second[9]).toBe('none');
    expect(words).toMatch(/paper 2 positions/);
  });

  test('is sorted by the address, and turned around by the same column', async () => {
    const agents = async (query: string) =>
      rowsOf((await scene.console.get(`/admin/positions?${query}`)).html).map((row) => row[1]);
    expect(await agents('sort=agent')).toEqual(['claude', 'scalper']);
    expect(await agents('sort=agent&way=reversed')).toEqual(['scalper', 'claude']);
    expect(await agents('sort=value')).toEqual(['claude', 'scalper']);
    expect(await agents('sort=value&way=reversed')).toEqual(['scalper', 'claude']);
    const { html } = await scene.console.get('/admin/positions?sort=value&agent=claude');
    expect(html).toContain('aria-sort="descending"');
    expect(html).toContain('href="/admin/positions?sort=value&amp;agent=claude&amp;way=reversed"');
  });

  test('is filtered by the address; a wrong filter is named and lists nothing', async () => {
    expect(rowsOf((await scene.console.get('/admin/positions?agent=claude')).html)).toHaveLength(1);
    expect((await scene.console.get('/admin/positions?agent=owner')).words).toContain('No position fits');
    const wrong = await scene.console.get('/admin/positions?symbol=spx&status=gone');
    expect(rowsOf(wrong.html)).toEqual([]);
    expect(wrong.words).toContain('open, closed or all');
    expect(wrong.words).toContain('nearest: SPX');
  });
});

describe('a close', () => {
  test('names side, quantity, whose it is and what is canceled first; looking does nothing', async () => {
    const { html, words } = await scene.console.get(closePath(claude));
    expect(words).toContain(
      'This sends: sell 12 SPX at market, in claude&#39;s name, in paper. 0 will be left.',
    );
    expect(words).toContain('First 2 working orders are canceled');
    expect(formOf(html, NOW)).toMatchObject({
      holder: claude.agent,
      account: 'paper',
      symbol: 'SPX',
      qty: '',
    });
    expect(rowsOf((await scene.console.get('/admin/positions?agent=claude')).html)[0]?.[3]).toBe('12');
  });

  test.each(['0', '-1', '1e3', 'all', '1,5'])(
    'of %s units is refused at its field, and nothing can be sent',
    async (qty) => {
      const { html, words } = await scene.console.get(closePath(claude, `&qty=${encodeURIComponent(qty)}`));
      expect(words).toContain('Nothing was sent. qty: units, more than 0');
      expect(html).not.toContain(`action="${NOW}`);
      expect(html).toContain(`value="${qty}"`);
    },
  );

  test('of more than is held is refused with what is left', async () => {
    const { html, words } = await scene.console.get(closePath(claude, '&qty=13'));
    expect(html).not.toContain(`action="${NOW}`);
    expect(words).toMatch(/12/);
  });

  test('of a part closes that much, once, however often the form is sent', async () => {
    const { html, words } = await scene.console.get(closePath(scalper, '&qty=2'));
    expect(words).toContain('This sends: buy 2 SPX at market');
    const fields = formOf(html, NOW);
    const [first, again] = [await scene.console.post(NOW, fields), await scene.console.post(NOW, fields)];
    expect(first).toMatchObject({ status: 303, to: expect.stringMatching(/^\/admin\/orders\/ord_/) });
    expect(again.to).toBe(first.to);
    await scene.play(10);
    const third = await scene.console.post(NOW, fields);
    expect(third.to).toBe(first.to);
    await scene.play(10);
    expect(rowsOf((await scene.console.get('/admin/positions?agent=scalper')).html)[0]?.[3]).toBe('−3');
    const order = await scene.console.get(first.to ?? '');
    expect(order.words).toContain('buy 2 SPX at market');
    expect(order.words).toContain('scalper');
  });

  test('of all leaves nothing, and then stands among the closed ones', async () => {
    const fields = formOf((await scene.console.get(closePath(scalper))).html, NOW);
    expect((await scene.console.post(NOW, fields)).status).toBe(303);
    await scene.play(10);
    expect((await scene.console.get('/admin/positions?agent=scalper')).words).toContain('No position fits');
    const closed = await scene.console.get('/admin/positions?agent=scalper&status=closed');
    expect(rowsOf(closed.html)[0]?.slice(0, 4)).toEqual(['SPX closed', 'scalper', 'paper', '0']);
    const gone = await scene.console.get(closePath(scalper));
    expect(gone.status).toBe(404);
    expect(gone.words).toContain('Nothing is held there any more');
  });

  test.each([
    ['holder=agt_none&account=paper&symbol=SPX', 404],
    ['holder=agt_none&account=nowhere&symbol=SPX', 404],
    ['account=paper&symbol=SPX', 400],
    ['', 400],
  ])('of nothing that there is (%s) is no page', async (query, status) => {
    expect((await scene.console.get(`/admin/close-position?${query}`)).status).toBe(status);
  });
});
