/** The page of settings: what acts and who says so, what waits, what is refused at its field, and how the console looks. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SETTING_NAMES } from '#config.ts';
import { settings } from '#store/settings.ts';
import { OWNER, signedIn } from '../support/browser.ts';
import { type ConsoleClient, consoleClient } from '../support/console-client.ts';
import { openTestGateway, type TestGateway } from '../support/gateway.ts';
import { formOf } from '../support/trading-scene.ts';

const KEY = `pcl_${'s'.repeat(43)}`;
let gate: TestGateway;
let owner: ConsoleClient;
beforeAll(async () => {
  gate = await openTestGateway({ settings: { PORTCULLIS_KEY: KEY } });
  owner = consoleClient(gate.url, await signedIn(gate));
  gate.clock.advance(6 * 60_000);
});
afterAll(() => gate.close());

const { passphrase } = OWNER;
const stored = () => Object.fromEntries(settings(gate.gateway.store).under('config:'));
/** The form of a group, as its page shows it. */
const group = async (id: string): Promise<Record<string, string>> => {
  const { html } = await owner.get('/admin/settings');
  const form = html.split('<form ').find((part) => part.includes(`name="group" value="${id}"`)) ?? '';
  return { ...formOf(`<form ${form}`, '/admin/settings/save#' + id) };
};

describe('the page', () => {
  test('has every setting with its purpose, and what fixes it; the key is nowhere', async () => {
    const { html, words } = await owner.get('/admin/settings');
    for (const name of SETTING_NAMES) expect(html, name).toContain(`<code>${name}</code>`);
    expect(words).toMatch(/LOG_LEVEL fixed by the environment warn/);
    expect(words).toMatch(
      /DATA_DIR fixed by the environment .*It can not be stored: stored settings lie in these folders/,
    );
    expect(words).toMatch(/PORTCULLIS_KEY fixed by the environment never shown/);
    expect(html).not.toContain(KEY);
    expect(html).not.toMatch(/name="(?:LOG_LEVEL|DATA_DIR|PORT|HOST|PORTCULLIS_KEY)"/);
    expect(words).toMatch(/PORTCULLIS_RATE_LIMIT_READ acts at once/);
    expect(words).toMatch(/PORTCULLIS_TIMEZONE acts with the next start/);
  });
});

describe('settings for remote clients', () => {
  test('can be set before remote MCP is on, and say what acts at once', async () => {
    const { html, words } = await owner.get('/admin/settings');
    const remote = /aria-labelledby="remote">([^]*?)<\/section>/.exec(html)?.[1] ?? '';
    const fields = remote.match(/<(?:input id|select)[^>]*>/g) ?? [];
    expect(fields.length).toBeGreaterThan(5);
    for (const field of fields) expect(field).not.toContain(' disabled');
    expect(words).toMatch(/MCP_HTTP_ENABLED acts with the next start/);
    expect(words).toMatch(/MCP_OAUTH_WRITE_SCOPE_ENABLED acts at once/);
    expect(/aria-labelledby="unneeded">([^]*?)<\/section>/.exec(html)?.[1]).toContain('MCP_LOOPBACK_URL');
  });
});

describe('saving', () => {
  test('needs proof; then one acts now, and the other waits and is listed as waiting', async () => {
    const form = {
      ...(await group('agents')),
      PORTCULLIS_RATE_LIMIT_READ: '5000 per hour',
      PORTCULLIS_TIMEZONE: 'Asia/Tokyo',
    };
    expect((await owner.post('/admin/settings/save', form)).status).toBe(403);
    expect(stored()).toEqual({});
    const saved = await owner.follow('/admin/settings/save', form, passphrase);
    expect(saved.words).toContain(
      'Saved; in force now: PORTCULLIS_RATE_LIMIT_READ; with the next start: PORTCULLIS_TIMEZONE.',
    );
    expect(saved.words).toContain('1 change waits for the next start');
    expect(saved.words).toContain('PORTCULLIS_TIMEZONE UTC until then, Asia/Tokyo from then on');
    expect(saved.words).toMatch(/PORTCULLIS_RATE_LIMIT_READ acts at once changed here/);
    expect(stored()).toEqual({
      PORTCULLIS_RATE_LIMIT_READ: '5000 per hour',
      PORTCULLIS_TIMEZONE: 'Asia/Tokyo',
    });
    gate.gateway.audit.flush();
    const lines = gate.gateway.store.db.prepare<[], string>(
      `SELECT line FROM audit WHERE kind = 'settings.changed'`,
    );
    expect(lines.pluck().all().join('')).toMatch(/"after":"Asia\/Tokyo","before":"UTC"/);
  });

  test('says at each field what is wrong, keeps what was entered, and takes nothing of it', async () => {
    const before = stored();
    const form = {
      ...(await group('remote')),
      MCP_OAUTH_CODE_TTL: '900',
      MCP_PUBLIC_URL: 'http://x',
      MCP_OAUTH_ACCESS_TTL: '60',
    };
    const refused = await owner.post('/admin/settings/save', form, passphrase);
    expect(refused.status).toBe(400);
    expect(refused.html).toMatch(/id="save-MCP_OAUTH_CODE_TTL-wrong">must be a whole number from 1 to 300/);
    expect(refused.html).toMatch(/id="save-MCP_PUBLIC_URL-wrong">must be an https origin/);
    expect(refused.html).toMatch(/name="MCP_OAUTH_CODE_TTL" value="900"/);
    expect(refused.html).toMatch(/name="MCP_OAUTH_ACCESS_TTL" value="60"/);
    // Once, over the form that was sent.
    expect(refused.html.match(/class="failure"/g)).toHaveLength(1);
    expect(stored()).toEqual(before);
  });

  test('refuses what a start would refuse, and what is not on the form', async () => {
    const form = {
      ...(await group('remote')),
      MCP_OAUTH_WRITE_SCOPE_ENABLED: 'true',
      MCP_OAUTH_REQUIRE_APPROVAL: 'false',
    };
    const together = await owner.post('/admin/settings/save', form, passphrase);
    expect(together.html).toMatch(
      /id="save-MCP_OAUTH_WRITE_SCOPE_ENABLED-wrong">.*a client that may trade is approved/,
    );
    for (const name of ['DATA_DIR', 'LOG_LEVEL', 'PORTCULLIS_KEY', 'WHATEVER']) {
      const refused = await owner.post('/admin/settings/save', { group: 'rest', [name]: '/x' }, passphrase);
      expect(refused.status, name).toBe(400);
    }
    expect(stored()).not.toHaveProperty('DATA_DIR');
  });
});

describe('how the console looks', () => {
  test('is the owner’s choice on every page: zone, theme and colours', async () => {
    const chosen = { timezone: 'Asia/Kolkata', theme: 'dark', colours: 'blue_orange' };
    const saved = await owner.follow('/admin/settings/preferences', chosen);
    expect(saved.words).toContain('Saved: this is how the console looks now.');
    const elsewhere = await owner.get('/admin/orders');
    expect(elsewhere.html).toMatch(/<html lang="en" data-theme="dark" data-colours="blue_orange"/);
    expect(elsewhere.words).toContain('times in Asia/Kolkata');
    // What a mandate day is stays what it was.
    expect(gate.gateway.config.PORTCULLIS_TIMEZONE).toBe('UTC');
  });

  test('is refused at the field, and stays', async () => {
    const wrong = { timezone: 'Mars/Olympus', theme: 'pink', colours: 'red_green' };
    const refused = await owner.post('/admin/settings/preferences', wrong);
    expect(refused.html).toMatch(/id="preferences-timezone-wrong">must be an IANA time zone/);
    expect(refused.html).toMatch(/name="timezone"[^>]*value="Mars\/Olympus"/);
    expect(refused.html).toContain('id="preferences-theme-wrong"');
    expect((await owner.get('/admin/orders')).html).toContain('data-colours="blue_orange"');
  });
});

describe('a stored setting', () => {
  test('that no longer holds is shown with the reason', async () => {
    settings(gate.gateway.store).set('config:MCP_OAUTH_REFRESH_TTL', 'for ever');
    await gate.stop();
    const again = await openTestGateway({ folder: gate.folder });
    try {
      const page = await consoleClient(again.url, await signedIn(again)).get('/admin/settings');
      expect(page.words).toMatch(
        /MCP_OAUTH_REFRESH_TTL for ever: MCP_OAUTH_REFRESH_TTL must be a whole number/,
      );
      expect(again.gateway.config.PORTCULLIS_TIMEZONE).toBe('Asia/Tokyo');
    } finally {
      await again.stop();
    }
  });
});
