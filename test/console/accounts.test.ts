/** The pages of accounts and of the tape: what an act will do stands there in numbers before it is done, and is done through forms alone. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { OWNER } from '../support/browser.ts';
import { formOf, type TradingScene, tradingScene } from '../support/trading-scene.ts';

let scene: TradingScene;
beforeAll(async () => {
  scene = await tradingScene();
});
afterAll(() => scene.gate.close());

const { passphrase } = OWNER;
const NEW = { name: 'second', cash: '25,000.50', preset: 'friendly', seed: '7', accountType: 'cash' };
const ids = () => scene.gate.gateway.accounts.list().map(({ id }) => id);
const settingsOf = (account: string) =>
  scene.gate.gateway.accounts.list().find(({ id }) => id === account)?.settings;
const proofIsOld = () => scene.gate.clock.advanceAsync(6 * 60_000);

describe('a new account', () => {
  test('asks for proof when the last is old, and then is there with what was entered', async () => {
    await proofIsOld();
    const asked = await scene.console.post('/admin/accounts/add', NEW);
    expect(asked.status).toBe(403);
    expect(asked.words).toContain('Nothing has been done yet');
    expect(ids()).toEqual(['paper']);
    const added = await scene.console.follow('/admin/accounts/add', NEW, passphrase);
    expect(added.words).toContain('The account second is there and takes orders');
    expect(added.words).toContain('25,000.50 USD');
    expect((await scene.console.get('/admin/accounts')).words).toMatch(
      /began with 25,000.50 USD. Began on \d/,
    );
    expect(settingsOf('second')).toEqual({
      preset: 'friendly',
      seed: 7,
      cash: '25000.50',
      accountType: 'cash',
    });
  });

  test('that is wrong says so at each field and keeps what was entered', async () => {
    const wrong = { ...NEW, name: 'Not A Name', cash: 'much', seed: '-1', preset: 'kind' };
    const refused = await scene.console.post('/admin/accounts/add', wrong, passphrase);
    expect(refused.status).toBe(400);
    for (const name of ['name', 'cash', 'seed', 'preset'])
      expect(refused.html).toContain(`id="add-${name}-wrong"`);
    expect(refused.html).not.toContain('id="add-accountType-wrong"');
    expect(refused.html).toMatch(/name="name"[^>]*value="Not A Name"[^>]*aria-invalid="true"/);
    expect(formOf(refused.html, '/admin/accounts/add')).toMatchObject({ cash: 'much', accountType: 'cash' });
    const again = await scene.console.post('/admin/accounts/add', NEW, passphrase);
    expect(again.words).toContain('was given before');
    expect(ids()).toEqual(['paper', 'second']);
  });
});

describe('an account', () => {
  test('shows what it stands at and whether its books agree; one that is not there is not found', async () => {
    const page = await scene.console.get('/admin/accounts');
    expect(page.words).toMatch(/paper PAPER ACTIVE .*connected .*books compared/);
    expect(page.words).toContain('Paper market: friendly, cash account, seed 7');
    expect(page.words).toMatch(/Paper accounts trade on SPX \(S&P 500 Index\): bar \d+ of 5,105/);
    for (const path of ['nobody', 'nobody/begin-anew', 'nobody/remove'])
      expect((await scene.console.get(`/admin/accounts/${path}`)).status).toBe(404);
  });

  test('changes its market at once; what the environment sets can not be touched', async () => {
    const change = { preset: 'hostile', seed: '8', accountType: 'cash' };
    const changed = await scene.console.follow('/admin/accounts/second/change', change, passphrase);
    expect(changed.words).toContain('Changed, and in force now: how hard its market is, its seed.');
    expect(settingsOf('second')).toMatchObject({ preset: 'hostile', seed: 8 });
    const [seq] = /(?<=\/admin\/audit\/)\d+(?=">\d)/.exec(
      (await scene.console.get('/admin/audit?kind=account.changed')).html,
    ) ?? ['none'];
    const line = await scene.console.get(`/admin/audit/${seq}`);
    expect(line.words).toMatch(/after .*seed&quot;:8.* before .*seed&quot;:7/);
    const page = await scene.console.get('/admin/accounts/paper');
    expect(page.words).toContain('Set by the environment with every start; it can not be changed here.');
    const fixed = formOf(page.html, '/admin/accounts/paper/change');
    expect(fixed).toMatchObject({ preset: 'friendly', seed: '1' });
    const refused = await scene.console.post(
      '/admin/accounts/paper/change',
      { ...fixed, preset: 'hostile' },
      passphrase,
    );
    expect(refused.html).toMatch(/id="change-preset-wrong">is fixed by the environment \(PAPER_PRESET\)/);
    expect(settingsOf('paper')).toMatchObject({ preset: 'friendly' });
  });
});

describe('beginning anew', () => {
  test('says in numbers what it cancels, settles and sets, and then does that', async () => {
    const claude = scene.agent('claude');
    await scene.placed(claude, { symbol: 'SPX', side: 'buy', qty: '3', type: 'market' });
    await scene.play(2);
    await scene.placed(claude, { symbol: 'SPX', side: 'sell', qty: '1', type: 'limit', limit_price: '9000' });
    const page = await scene.console.get('/admin/accounts/paper/begin-anew');
    expect(page.words).toMatch(/1 working order is canceled .*1 position is settled .*\+3 SPX/);
    expect(page.words).toContain('Cancel 1 order, settle 1 position, begin anew');
    const form = formOf(page.html, '/admin/accounts/paper/begin-anew/now');
    expect(form).toEqual({ cash: '100000' });

    const wrong = await scene.console.post(
      '/admin/accounts/paper/begin-anew/now',
      { cash: 'all' },
      passphrase,
    );
    expect(wrong.html).toMatch(/id="now-cash-wrong">must be an amount/);
    expect(wrong.html).toMatch(/name="cash"[^>]*value="all"/);
    expect(scene.gate.gateway.trading.workingOrders()).toBe(1);

    const done = await scene.console.follow(
      '/admin/accounts/paper/begin-anew/now',
      { cash: '50 000' },
      passphrase,
    );
    expect(done.words).toMatch(
      /paper has begun anew with 50000; it stood at [\d.]+ before\. 1 order was canceled/,
    );
    expect(done.words).toMatch(/Equity 50,000\.00 USD Cash 50,000\.00 USD Orders working 0 Positions 0/);
  });
});

describe('removing', () => {
  test('says what stands in the way, and has no button then', async () => {
    const claude = scene.gate.gateway.access.agents.byName('claude');
    if (claude === undefined) throw new Error('no agent');
    const who = scene.agent('closer');
    await scene.placed(who, { symbol: 'SPX', side: 'buy', qty: '1', type: 'market' });
    await scene.play(2);
    const page = await scene.console.get('/admin/accounts/paper/remove');
    expect(page.words).toContain('It can not be removed yet: 1 position is open.');
    expect(page.html).not.toContain('/admin/accounts/paper/remove/now');
    const refused = await scene.console.post('/admin/accounts/paper/remove/now');
    expect(refused.words).toContain('paper still has 1');
    expect(ids()).toContain('paper');
  });

  test('takes the account away and keeps its name', async () => {
    const page = await scene.console.get('/admin/accounts/second/remove');
    expect(page.words).toContain('No agent sees it.');
    const removed = await scene.console.follow('/admin/accounts/second/remove/now');
    expect(removed.words).toContain('The account second is removed');
    expect(ids()).toEqual(['paper']);
  });
});

describe('the tape', () => {
  test('is read before it is chosen, with what the next start ends in numbers; nothing changes until then', async () => {
    const file = join(scene.gate.folder, 'btc.csv');
    const rows = Array.from({ length: 9 }, (_, day) => `2024-01-0${day + 1},100,110,90,105,5`);
    writeFileSync(file, ['date,open,high,low,close,volume', ...rows].join('\n'));
    const choice = { PAPER_TAPE: file, PAPER_SYMBOL: 'BTC/USD' };
    const looked = await scene.console.post('/admin/tape/look', choice, passphrase);
    expect(looked.words).toContain('BTC/USD, 9 bars of 1d');
    expect(looked.words).toMatch(
      /1 position is settled then, at the price of the last fill: \+1 SPX in paper/,
    );
    const form = formOf(looked.html, '/admin/tape/choose');
    expect(form).toEqual({ PAPER_TAPE: file, PAPER_SYMBOL: 'BTC/USD' });
    const chosen = await scene.console.follow('/admin/tape/choose', form, passphrase);
    expect(chosen.words).toContain('it plays from the next start of the gateway');
    expect(chosen.words).toContain(`With the next start plays ${file} as BTC/USD`);
    expect(scene.gate.gateway.feed.tape.instrument.symbol).toBe('SPX');
    expect((await scene.console.get('/admin/accounts')).words).toContain('With the next start plays');
  });

  test('that can not be read is said at its field, and there is nothing to choose', async () => {
    const nowhere = { PAPER_TAPE: '/nowhere.csv', PAPER_SYMBOL: 'SPY' };
    const refused = await scene.console.post('/admin/tape/look', nowhere, passphrase);
    expect(refused.html).toMatch(
      /id="tape-file-wrong">The tape nowhere\.csv can not be read: there is no such file/,
    );
    expect(refused.html).toMatch(/name="PAPER_TAPE" value="\/nowhere\.csv"/);
    expect(refused.html).not.toContain('/admin/tape/choose');
    expect((await scene.console.post('/admin/tape/choose', nowhere, passphrase)).status).toBe(400);
  });

  test('is no way to read a file of the machine: not by an address, and not without a code', async () => {
    const file = join(scene.gate.folder, 'passphrase.txt');
    writeFileSync(file, 'four geese over the weir\n');
    const choice = { PAPER_TAPE: file, PAPER_SYMBOL: 'SPY' };
    const linked = await scene.console.get(`/admin/tape?${new URLSearchParams(choice).toString()}`);
    expect(linked.html).not.toContain('geese');
    await proofIsOld();
    const asked = await scene.console.post('/admin/tape/look', choice);
    expect([asked.status, asked.words]).toEqual([403, expect.stringContaining('Confirm that it is you')]);
    expect(asked.html).not.toContain('geese');
    // A file of /proc has no size, and some of them never end.
    const system = { PAPER_TAPE: '/proc/self/environ', PAPER_SYMBOL: 'SPY' };
    const unread = await scene.console.post('/admin/tape/look', system, passphrase);
    expect(unread.status).toBe(400);
    expect(unread.html).not.toMatch(/environ, line 1, column (?!number 1)/);
  });

  test('changes its speed at once, after proof, and says at the field what is no speed', async () => {
    const speed = { PAPER_BAR_SECONDS: '2.5' };
    const { barSeconds } = scene.gate.gateway.feed.timing();
    await proofIsOld();
    const asked = await scene.console.post('/admin/tape/speed', speed);
    expect([asked.status, asked.words]).toEqual([403, expect.stringContaining('Confirm that it is you')]);
    expect(scene.gate.gateway.feed.timing().barSeconds).toBe(barSeconds);
    expect((await scene.console.follow('/admin/tape/speed', speed, passphrase)).words).toContain(
      'A bar takes 2.5 seconds from now on.',
    );
    expect(scene.gate.gateway.feed.timing().barSeconds).toBe(2.5);
    const wrong = await scene.console.post('/admin/tape/speed', { PAPER_BAR_SECONDS: 'fast' });
    expect(wrong.html).toMatch(/id="speed-PAPER_BAR_SECONDS-wrong">must be a number of seconds/);
    expect(wrong.html).toMatch(/name="PAPER_BAR_SECONDS"[^>]*value="fast"/);
  });
});
