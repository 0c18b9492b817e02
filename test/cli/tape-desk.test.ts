/** A gateway goes on while its owner looks at a tape: it quotes and takes orders, and it stops when it is told to. */
import { afterEach, describe, expect, it } from 'vitest';
import { openAccountDesk } from '#cli/account-desk.ts';
import { openSettingsDesk } from '#cli/settings-desk.ts';
import { OWNER_CONSOLE } from '#domain/principal.ts';
import type { Refusal } from '#domain/refusal.ts';
import type { Result } from '#domain/result.ts';
import { TAPE_LOOK_TIMEOUT_MS } from '#limits.ts';
import { OWNER } from '../support/browser.ts';
import { consoleClient } from '../support/console-client.ts';
import { openTestGateway, type TestGateway } from '../support/gateway.ts';
import { longTapeFile, tapeFile } from '../support/tapes.ts';
import { turn, watchThreads } from '../support/threads.ts';
import { tradingScene } from '../support/trading-scene.ts';

const opened: TestGateway[] = [];
async function open(settings: Readonly<Record<string, string>> = {}): Promise<TestGateway> {
  const gate = await openTestGateway({ http: false, settings });
  opened.push(gate);
  await gate.clock.advanceAsync(1_000);
  return gate;
}
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
});

const fields = (result: Result<unknown, Refusal>) =>
  result.ok ? 'granted' : (result.error.errors ?? []).map(({ field, rule }) => `${field}: ${rule}`);
const long = () => ({ file: longTapeFile(200_000), symbol: 'BTC/USD' });
const days = (name: string) =>
  tapeFile(['date,open,high,low,close', '2024-01-01,1,1,1,1', '2024-01-02,1,1,1,1'], name);

describe('while a tape of two hundred thousand rows is weighed', () => {
  it('quotes are answered and the kill switch works, and the figures come all the same', async () => {
    const gate = await open({ PORTCULLIS_RATE_LIMIT_READ: '100000 per minute' });
    const desk = openAccountDesk(gate.gateway, OWNER_CONSOLE);
    const choice = long();
    let ended = false;
    const weighed = desk.weighTape(choice).finally(() => {
      ended = true;
    });
    for (let quotes = 0; quotes < 50; quotes++) {
      expect(await gate.call('get_quotes', { symbols: ['SPX'] })).toMatchObject({ ok: true });
      await turn();
    }
    await gate.gateway.trading.owner.kill({ cancel: 'all', flatten: false });
    expect(gate.gateway.access.gatewayState()).toBe('HALTED');
    expect(ended).toBe(false);
    expect(await weighed).toMatchObject({ ok: true, value: { symbol: 'BTC/USD', bars: 200_000 } });
  });

  it('neither another tape nor the settings page begins a second look, and nothing of them is stored', async () => {
    const threads = watchThreads();
    const gate = await open();
    const [desk, settings] = [
      openAccountDesk(gate.gateway, OWNER_CONSOLE),
      openSettingsDesk(gate.gateway, OWNER_CONSOLE),
    ];
    const first = desk.weighTape(long());
    const second = { file: days('second.csv'), symbol: 'BTC/USD' };
    const said = [
      expect.stringMatching(
        /^PAPER_TAPE: The tape second\.csv was not read, because another one is being read/,
      ),
    ];
    expect(fields(await desk.weighTape(second))).toEqual(said);
    expect(fields(await desk.chooseTape(second))).toEqual(said);
    const texts = { PAPER_TAPE: second.file, PAPER_SYMBOL: second.symbol };
    expect(fields(await settings.save({ ...texts, PAPER_CASH: '77' }))).toEqual(said);
    expect(settings.list().filter(({ source }) => source === 'stored')).toEqual([]);
    expect(await first).toMatchObject({ ok: true });
    expect(threads.begun()).toBe(1);
    expect(await settings.save(texts)).toMatchObject({ ok: true });
    // What does not touch the tape waits for no file, with another tape waiting for the next start too.
    expect(threads.begun()).toBe(2);
    expect(await settings.save({ PAPER_CASH: '78' })).toMatchObject({ ok: true });
    expect(await desk.changeSpeed('2')).toMatchObject({ ok: true });
    expect(threads.begun()).toBe(2);
  });

  it('one that takes too long is given up, and is not chosen', async () => {
    const gate = await open();
    const desk = openAccountDesk(gate.gateway, OWNER_CONSOLE);
    const chosen = desk.chooseTape(long());
    gate.clock.advance(TAPE_LOOK_TIMEOUT_MS);
    expect(fields(await chosen)).toEqual([
      'PAPER_TAPE: The tape long.csv was not read, because that took longer than 60 seconds',
    ]);
    expect(desk.tape().next).toBeNull();
  });

  it('a stop answers who waits for it, and nothing of it is left', async () => {
    const threads = watchThreads();
    const scene = await tradingScene();
    opened.push(scene.gate);
    const { file, symbol } = long();
    const browser = consoleClient(scene.gate.url, scene.token);
    const looked = browser.post(
      '/admin/tape/look',
      { PAPER_TAPE: file, PAPER_SYMBOL: symbol },
      OWNER.passphrase,
    );
    await threads.atWork();
    await scene.gate.stop();
    const { status, html } = await looked;
    expect(status).toBe(400);
    expect(html).toContain('The tape long.csv was not read, because the gateway is stopping');
    expect([threads.begun(), threads.running(), threads.cut()]).toEqual([1, 0, 1]);
  });
});

it('a tape is not stored for a symbol that changed while it was read', async () => {
  const gate = await open();
  const settings = openSettingsDesk(gate.gateway, OWNER_CONSOLE);
  const file = days('btc.csv');
  const saved = settings.save({ PAPER_TAPE: file, PAPER_SYMBOL: 'BTC/USD' });
  expect(await saved).toMatchObject({ ok: true });
  const again = settings.save({ PAPER_TAPE: days('eth.csv') });
  const back = gate.gateway.settings.desk(OWNER_CONSOLE, () => undefined).save({ PAPER_SYMBOL: 'ETH/USD' });
  expect(back).toMatchObject({ ok: true });
  expect(fields(await again)).toEqual([
    'PAPER_TAPE: was changed elsewhere while it was read: look at it again',
  ]);
  expect(settings.list().find(({ name }) => name === 'PAPER_TAPE')?.text).toBe(file);
});
