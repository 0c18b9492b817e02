/** Commas in figures: taken out between whole groups alone, everywhere that a person types money; else nothing is done. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ungrouped } from '#console/typed-figures.ts';
import { text } from '#domain/decimal.ts';
import { OWNER } from '../support/browser.ts';
import { PAPER } from '../support/order-line.ts';
import { formOf, type TradingScene, tradingScene } from '../support/trading-scene.ts';

test.each([
  ['1,400.25', '1400.25'],
  ['12,345,678', '12345678'],
  ['1 400', '1400'],
  ['-1,400', '-1400'],
  ['1400.25', '1400.25'],
])('%s is %s', (typed, figure) => expect(ungrouped(typed)).toBe(figure));

test.each(['1400,25', '1,40', '1,4000', '1400,250', '12,34,567', '1,234 567', ',5', '1.400,25', '1,,000'])(
  '%s is left as it is, and is no figure',
  (typed) => expect(ungrouped(typed)).toBe(typed),
);

describe('a comma before decimals', () => {
  let scene: TradingScene;
  beforeAll(async () => {
    scene = await tradingScene();
  });
  afterAll(() => scene.gate.close());

  const cash = async () => (await scene.gate.gateway.console.accounts.list()).map(({ id }) => id);
  const wrong = 'commas only between thousands, and a point before decimals: write 1400.25';

  test.each([
    ['/admin/accounts/add', { name: 'second', cash: '1400,25' }],
    ['/admin/accounts/paper/begin-anew/now', { cash: '1400,25' }],
    ['/admin/accounts/paper/limits', { max_daily_loss: '1400,25' }],
  ])('makes nothing of what is sent to %s', async (path, fields) => {
    const page = path.slice(0, path.lastIndexOf('/'));
    const form = formOf((await scene.console.get(page)).html, path);
    const answered = await scene.console.post(path, { ...form, ...fields }, OWNER.passphrase);
    expect(answered.status).toBe(400);
    expect(answered.words).toContain(wrong);
    expect(await cash()).toEqual(['paper']);
    const { limits, standing } = scene.gate.gateway.trading.owner.accountLimits.of(PAPER);
    expect(limits.maxDailyLoss).toBeNull();
    expect(text(standing.equity)).toMatch(/^100000/);
  });
});
