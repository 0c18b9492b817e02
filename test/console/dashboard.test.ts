/** The dashboard: figures, what waits for the owner, the curve, positions, and what was done today. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { rowsOf, type TradingScene, tradingScene } from '../support/trading-scene.ts';

describe('on a fresh gateway', () => {
  let scene: TradingScene;
  beforeAll(async () => {
    scene = await tradingScene();
  });
  afterAll(() => scene.gate.close());

  test('leads to the next step: an agent first, then its first order', async () => {
    const fresh = await scene.console.get('/admin');
    expect(fresh.words).toContain('Connect an agent first');
    expect(fresh.html).toContain('href="/admin/connect"');
    expect(fresh.words).toContain('Equity 100,000.00 USD');
    expect(fresh.words).toContain('Waits for you Nothing.');
    expect(fresh.words).toContain('No order since midnight');
    expect(fresh.html).not.toContain('data-points');
    // Days on which an account was idle are no points of its curve, however many there have been.
    expect(fresh.words).toContain('A market day becomes a point here when it ends with something held');
    expect(fresh.words).not.toContain('second market day');
    // Money goes by the day of the market, what is counted by the owner's: neither is called today.
    expect(fresh.words).toContain('This market day 0');
    expect(fresh.words).not.toMatch(/\bToday\b|\btoday\b/);
    scene.agent('claude');
    const equipped = await scene.console.get('/admin');
    expect(equipped.words).toContain('Waiting for the first order');
    expect(equipped.words).not.toContain('Connect an agent first');
  });
});

describe('on a gateway that trades', () => {
  let scene: TradingScene;
  beforeAll(async () => {
    scene = await tradingScene({ settings: { PAPER_BAR_SECONDS: '2' } });
    const claude = scene.agent('claude');
    await scene.placed(claude, { symbol: 'SPX', side: 'buy', qty: '10', type: 'market' });
    await scene.play(30);
    await scene.during(
      scene.gate.call(
        'place_order',
        { symbol: 'SPX', side: 'buy', qty: '900000', type: 'market', dry_run: false, idempotency_key: 'big' },
        claude,
      ),
    );
  });
  afterAll(() => scene.gate.close());

  test('shows what each account is worth and what is held', async () => {
    const { html, words } = await scene.console.get('/admin');
    expect(words).toMatch(
      /paper PAPER Equity [\d,]+\.\d\d USD This market day [+−]?[\d,.]+ Cash [\d,]+\.\d\d Buying power [\d,]+\.\d\d/,
    );
    expect(words).not.toContain('Connect an agent first');
    expect(html).toMatch(/Open positions[^]*claude/);
  });

  test('draws equity and drawdown from whole columns, and says the same in a table', async () => {
    const { html } = await scene.console.get('/admin');
    const data = /data-points="([^"]*)"/.exec(html)?.[1]?.replaceAll('&quot;', '"') ?? '{}';
    const { dates, equity, drawdown } = JSON.parse(data) as Record<string, readonly string[]>;
    expect(dates?.length).toBeGreaterThan(5);
    expect(equity).toHaveLength(dates?.length ?? 0);
    expect(drawdown?.every((one) => Number(one) <= 0)).toBe(true);
    expect(dates).toEqual([...(dates ?? [])].sort());
    const rows = rowsOf(html);
    expect(rows[0]?.[0]).toBe(dates?.at(-1));
    expect(rows).toHaveLength(dates?.length ?? 0);
  });

  test('takes the span from the address, and an odd one for the standard', async () => {
    expect((await scene.console.get('/admin?days=365')).html).toMatch(/days=365" aria-current="true"/);
    expect((await scene.console.get('/admin?days=7&account=nobody')).html).toMatch(
      /days=30" aria-current="true"/,
    );
  });

  test('what waits for the owner is told with whose it is, and counted in the header', async () => {
    scene.gate.gateway.access.agents.halt(
      'claude',
      scene.agent('claude'),
      'I am not sure what I am doing <b>',
    );
    const { html, words } = await scene.console.get('/admin');
    expect(words).toMatch(/Waits for you claude halted itself .*: “I am not sure what I am doing &lt;b&gt;”/);
    expect(html).toMatch(/class="count">1</);
  });

  test('tells what agents asked for today and were not given, each with its line of the record', async () => {
    const claude = scene.agent('claude');
    await scene.during(scene.gate.call('get_quotes', { symbols: ['spx'] }, claude));
    await scene.play(1);
    const { html, words } = await scene.console.get('/admin');
    expect(words).toMatch(
      /Refused since midnight.*claude : get quotes unknown symbol: No instrument has this symbol/,
    );
    expect(words).toMatch(/claude : place order max order value/);
    expect(html).toMatch(/href="\/admin\/audit\/\d+">get quotes/);
    expect(await scene.during(scene.gate.call('buy_everything', {}, claude))).toBeNull();
    const answered = await scene.during(scene.gate.call('get_order', { order_id: 'ord_none' }, claude));
    expect(answered).toMatchObject({ ok: false, refusal: { reason: 'not_found' } });
    await scene.play(1);
    const again = await scene.console.get('/admin');
    expect(again.words).toMatch(/claude : buy everything not found: There is no such tool\./);
    expect(again.words).toMatch(/claude : get order not found: There is no such order of yours/);
  });

  test("tells today's orders in words, the latest first, each with its page", async () => {
    const { html, words } = await scene.console.get('/admin');
    expect(words).toMatch(
      /Orders since midnight.*claude : buy 900,000 SPX at market refused max order value: .*claude : buy 10 SPX at market filled at/,
    );
    expect(html.match(/href="\/admin\/orders\/ord_/g)).toHaveLength(2);
    // After midnight they are yesterday's; a session that is looked at now and then lives on.
    for (const hours of [7, 6]) {
      scene.gate.clock.setWall(scene.gate.clock.wallMs() + hours * 3_600_000);
      await scene.console.get('/admin');
    }
    expect((await scene.console.get('/admin')).words).toContain('No order since midnight');
  });
});
