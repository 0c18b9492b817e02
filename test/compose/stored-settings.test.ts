// Stored settings in a whole gateway: they act at once or with the next start, and never keep it from starting.

import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { openAccountDesk } from '#cli/account-desk.ts';
import { openSettingsDesk } from '#cli/settings-desk.ts';
import { openGateway } from '#compose.ts';
import { ConfigError, loadConfig } from '#config.ts';
import { OWNER_CONSOLE } from '#domain/principal.ts';
import { settings } from '#store/settings.ts';
import { type GatewayOptions, gatewayFolder, openTestGateway, type TestGateway } from '../support/gateway.ts';
import { handClock } from '../support/hand-clock.ts';

const opened: TestGateway[] = [];
const folders: string[] = [];
async function open(options: GatewayOptions = {}): Promise<TestGateway> {
  const gate = await openTestGateway({ http: false, ...options });
  opened.push(gate);
  return gate;
}
const folder = (): string => {
  const made = gatewayFolder();
  folders.push(made);
  return made;
};
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
  for (const one of folders.splice(0)) rmSync(one, { recursive: true, force: true });
});
const desk = ({ gateway }: TestGateway) => openSettingsDesk(gateway, OWNER_CONSOLE);
const btc = (at: string): string => {
  const rows = Array.from({ length: 9 }, (_, day) => `2024-01-0${day + 1},100,110,90,105,5`);
  writeFileSync(at, ['date,open,high,low,close,volume', ...rows].join('\n'));
  return at;
};

describe('what is stored', () => {
  it('changes rates at once: the next call too many is refused', async () => {
    const gate = await open();
    for (let n = 0; n < 3; n++) expect(await gate.call('get_gateway_status')).toMatchObject({ ok: true });
    expect(await desk(gate).save({ PORTCULLIS_RATE_LIMIT_READ: '3 per minute' })).toMatchObject({
      ok: true,
      value: { waiting: [] },
    });
    expect(await gate.call('get_gateway_status')).toMatchObject({
      ok: false,
      refusal: { reason: 'rate_limited' },
    });
  });

  it('changes how fast the tape goes at once', async () => {
    const gate = await open();
    expect(await desk(gate).save({ PAPER_BAR_SECONDS: '2' })).toMatchObject({ ok: true });
    expect(gate.gateway.feed.timing().barSeconds).toBe(2);
  });

  it('changes how much is logged at once', async () => {
    const at = folder();
    const config = loadConfig({
      environment: {
        PORT: '0',
        DATA_DIR: join(at, 'data'),
        LOG_DIR: join(at, 'log'),
        MCP_OAUTH_KEYS_DIR: join(at, 'keys'),
      },
    });
    const logged: string[] = [];
    const gateway = await openGateway(config, { clock: handClock(), log: (line) => void logged.push(line) });
    try {
      await gateway.start();
      await fetch(`${gateway.url()}/healthz`);
      expect(logged.join('')).not.toMatch(/healthz/);
      const stored = gateway.settings.desk(OWNER_CONSOLE, () => undefined).save({ LOG_LEVEL: 'debug' });
      expect(stored).toMatchObject({ ok: true, value: { waiting: [] } });
      await fetch(`${gateway.url()}/healthz`);
      expect(logged.join('')).toMatch(/healthz/);
    } finally {
      await gateway.stop();
    }
  });

  it('acts with the next start otherwise, under what the environment says then', async () => {
    const first = await open();
    expect(await desk(first).save({ PORTCULLIS_TIMEZONE: 'Asia/Tokyo', PAPER_CASH: '77' })).toMatchObject({
      value: { changed: ['PORTCULLIS_TIMEZONE', 'PAPER_CASH'], waiting: ['PORTCULLIS_TIMEZONE'] },
    });
    expect(first.gateway.access.mandateDay(Date.UTC(2026, 0, 1, 20))).toBe('2026-01-01');
    await first.stop();
    const second = await open({ folder: first.folder });
    expect(second.gateway.config.PORTCULLIS_TIMEZONE).toBe('Asia/Tokyo');
    expect(second.gateway.access.mandateDay(Date.UTC(2026, 0, 1, 20))).toBe('2026-01-02');
    await second.stop();
    const third = await open({ folder: first.folder, settings: { PORTCULLIS_TIMEZONE: 'UTC' } });
    expect(third.gateway.config.PORTCULLIS_TIMEZONE).toBe('UTC');
  });
});

describe('a stored tape that is gone', () => {
  it('gives way to the sample, and that is said in the log and on the page', async () => {
    const at = folder();
    const first = await open({ folder: at });
    const file = btc(join(at, 'btc.csv'));
    expect(await desk(first).save({ PAPER_TAPE: file, PAPER_SYMBOL: 'BTC/USD' })).toMatchObject({ ok: true });
    await first.stop();
    rmSync(file);
    const second = await open({ folder: at });
    expect(second.gateway.tape.instrument.symbol).toBe('SPX');
    expect(second.logged.join('')).toMatch(
      /The stored setting PAPER_TAPE is set aside: The tape btc\.csv can not be read/,
    );
    const { setAside, symbol } = openAccountDesk(second.gateway, OWNER_CONSOLE).tape();
    expect([symbol, setAside]).toEqual(['SPX', expect.stringMatching(/there is no such file/)]);
    await second.stop();
    btc(file);
    const third = await open({ folder: at });
    expect(third.gateway.tape.instrument.symbol).toBe('BTC/USD');
  });

  it('leaves accounts of its currency unconnected, with the reason, instead of not starting', async () => {
    const at = folder();
    const file = join(at, 'yes.csv');
    writeFileSync(
      file,
      'date,open,high,low,close,volume\n2024-01-02,20,21,19,20,500\n2024-01-03,20,21,19,20,500',
    );
    const inr = { PAPER_TAPE: file, PAPER_SYMBOL: 'YESBANK' };
    const first = await open({ folder: at, settings: inr });
    await first.stop();
    const stored = await open({ folder: at, settings: inr });
    for (const [name, text] of Object.entries(inr))
      settings(stored.gateway.store).set(`config:${name}`, text);
    await stored.stop();
    rmSync(file);
    const later = await open({ folder: at });
    const [paper] = await openAccountDesk(later.gateway, OWNER_CONSOLE).list();
    expect(paper).toMatchObject({
      connected: false,
      problem: 'The account paper is not connected: it holds INR, and the tape is in USD.',
      cash: null,
    });
    expect(later.logged.join('')).toMatch(/The account paper is not connected/);
  });

  it('that the environment names still refuses the start', async () => {
    const first = await open();
    await first.stop();
    const asked = openTestGateway({
      http: false,
      folder: first.folder,
      settings: { PAPER_TAPE: '/nowhere.csv', PAPER_SYMBOL: 'SPY' },
    });
    await expect(asked).rejects.toThrow(/nowhere\.csv can not be read/);
  });
});

it('settings of the environment that do not go together refuse the start, whatever is stored, and free the folder', async () => {
  const first = await open();
  expect(await desk(first).save({ MCP_OAUTH_ACCESS_TTL: '60' })).toMatchObject({ ok: true });
  await first.stop();
  const settingsOf = { MCP_OAUTH_WRITE_SCOPE_ENABLED: 'true', MCP_OAUTH_REQUIRE_APPROVAL: 'false' };
  const asked = openTestGateway({ http: false, folder: first.folder, settings: settingsOf });
  await expect(asked).rejects.toThrow(ConfigError);
  expect((await open({ folder: first.folder })).gateway.config.MCP_OAUTH_ACCESS_TTL).toBe(60);
});
