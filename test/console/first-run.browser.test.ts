// The first run in a real browser: from the one-time link to a filled order, with scripts and without, and what it leaves behind.
import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { generateSync } from 'otplib/functional';
import type { Page } from 'playwright-core';
import { afterEach, expect, it } from 'vitest';
import { wallClock } from '#clock.ts';
import type { Clock } from '#ports.ts';
import { DESK_WIDTH, PHONE_WIDTH, useBrowser, type Window } from '../support/browser.ts';
import { openTestGateway, type TestGateway } from '../support/gateway.ts';
import { readQr } from '../support/read-qr.ts';

const browser = useBrowser();
const run = promisify(execFile);
const PASSPHRASE = 'four horses under the bridge';
/** Bars so long that no session ends under an order that is good for the day. */
const SETTINGS = { PAPER_BAR_SECONDS: '60', LOG_LEVEL: 'trace' };

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});
async function unclaimed(): Promise<TestGateway<Clock>> {
  const gate = await openTestGateway({ clock: wallClock, settings: SETTINGS });
  closers.push(() => gate.close());
  return gate;
}

const press = (page: Page, name: string): Promise<void> =>
  page.getByRole('button', { name, exact: true }).click();
const secretOf = (uri: string): string => new URL(uri).searchParams.get('secret') ?? '';
const codesOn = async (page: Page): Promise<readonly string[]> =>
  (await page.locator('#codes').textContent())?.trim().split('\n') ?? [];

/** Seen at both widths and in both themes; what axe and the browser complain of is nothing. */
async function look(window: Window, name: string): Promise<void> {
  for (const [width, colorScheme] of [
    [PHONE_WIDTH, 'dark'],
    [DESK_WIDTH, 'light'],
  ] as const) {
    await window.page.setViewportSize({ width, height: 800 });
    await window.page.emulateMedia({ colorScheme });
    await window.screenshot(`first-run-${name}-${colorScheme}-${width}`);
    expect(await window.accessibility(), `${name} at ${width}`).toEqual([]);
    expect(await window.scrollsSideways(), `${name} at ${width}`).toBe(false);
  }
}

interface HostFile {
  readonly mcpServers: {
    readonly portcullis: { command: string; args: string[]; env: Record<string, string> };
  };
}

it('ends with passphrase, authenticator, recovery codes, an agent connected by one paste, and its order filled', async () => {
  const gate = await unclaimed();
  const { code: setupCode } = gate.gateway.access.owner.issueSetupCode();
  const window = await browser.window({ url: gate.url });
  closers.push(() => window.close());
  const { page } = window;
  const visited: string[] = [];
  page.on('framenavigated', (frame) => void visited.push(frame.url()));

  await window.open(`/admin/setup?code=${setupCode}`);
  expect(new URL(page.url()).search).toBe('');
  const passphrase = page.getByLabel('Passphrase', { exact: true });
  await passphrase.fill('four horses');
  await page.getByText('11 of at least 12 characters.').waitFor();
  await passphrase.fill(PASSPHRASE);
  await page.getByText(`${PASSPHRASE.length} characters: good.`).waitFor();
  await page.getByRole('button', { name: 'Show the passphrase' }).click();
  expect(await passphrase.getAttribute('type')).toBe('text');
  await look(window, '1-setup');
  await press(page, 'Become the owner');

  await page.getByRole('heading', { name: 'Add an authenticator' }).waitFor();
  const uri = await readQr(page, '.qr');
  expect(uri).toMatch(/^otpauth:\/\/totp\/Portcullis:owner\?/);
  const secret = secretOf(uri);
  expect(await page.getByRole('link', { name: 'open it in the app' }).getAttribute('href')).toBe(uri);
  expect((await page.locator('.secret').textContent())?.replaceAll(' ', '')).toBe(secret);
  await look(window, '2-authenticator');
  // A wrong code changes nothing: what was scanned stays good.
  await page.getByLabel('Code that the app shows now').fill('000000');
  await press(page, 'Confirm');
  await page.getByRole('alert').getByText('not its code of this moment').waitFor();
  expect(await readQr(page, '.qr')).toBe(uri);
  await page.getByLabel('Code that the app shows now').fill(generateSync({ secret }));
  await press(page, 'Confirm');

  const codes = await codesOn(page);
  expect(codes).toHaveLength(10);
  await look(window, '3-recovery');
  await page.getByLabel('One of the recovery codes').fill(codes[6] ?? '');
  await press(page, 'They are kept');

  await page.getByRole('heading', { name: 'Your paper account' }).waitFor();
  await look(window, '4-account');
  await page.getByRole('radio', { name: /^Friendly/ }).check();
  await page.getByLabel('Deposit').fill('50,000');
  await press(page, 'Go on');

  await page.getByLabel('Where the agent runs').selectOption({ label: 'Claude Desktop' });
  expect(await page.getByLabel('What to call it').getAttribute('placeholder')).toBe('claude-desktop');
  await look(window, '5-agent');
  await press(page, 'Make the agent and its key');
  const pasted = JSON.parse((await page.locator('#snippet').textContent()) ?? '') as HostFile;
  await page.evaluate('document.body.dataset.mark = "never reloaded"');
  await page.getByText('Waiting for claude-desktop to connect').waitFor();
  await look(window, '6-snippet');

  // The host does with the paste what hosts do.
  const { command, args, env } = pasted.mcpServers.portcullis;
  const key = env['PORTCULLIS_KEY'] ?? '';
  expect(key).toMatch(/^pcl_/);
  const agent = new Client({ name: 'host', version: '1' });
  await agent.connect(new StdioClientTransport({ command, args, env, stderr: 'inherit' }));
  closers.push(() => agent.close());
  await page.getByText('claude-desktop is connected').waitFor();
  await agent.callTool({ name: 'get_mandate', arguments: {} });
  await page.getByText('its last call was get_mandate').waitFor();
  expect(await page.evaluate('document.body.dataset.mark')).toBe('never reloaded');
  expect(await page.locator('#snippet').textContent()).toContain(key);
  await page.getByRole('link', { name: 'Go on to its first order' }).click();

  await page.evaluate('document.body.dataset.mark = "never reloaded"');
  const words = (id: string): Promise<string> => page.locator(`#${id}-words`).innerText();
  const qtyOf = (said: string): string => /^Buy (\S+) units? of SPX at the market/.exec(said)?.[1] ?? '';
  const order = (qty: string) => ({ symbol: 'SPX', side: 'buy', qty, type: 'market' });
  const tooMuch = qtyOf(await words('too-much'));
  const refused = await agent.callTool({ name: 'place_order', arguments: order(tooMuch) });
  expect(refused).toMatchObject({ isError: true, structuredContent: { reason: 'max_order_value' } });
  const [figure] = (refused.structuredContent as { limits: { order: string; max: string }[] }).limits;
  const shown = await page.locator('#refusal li').innerText();
  expect(shown.replaceAll(',', '')).toContain(figure?.order);
  expect(shown).toContain('25,000 USD');
  const fitting = order(qtyOf(await words('fitting')));
  const preview = await agent.callTool({ name: 'place_order', arguments: fitting });
  const { action_token } = preview.structuredContent as { action_token: string };
  const commit = { ...fitting, dry_run: false, action_token, idempotency_key: 'the-first' };
  const placed = await agent.callTool({ name: 'place_order', arguments: commit });
  expect(placed.structuredContent).toMatchObject({ dry_run: false, order: { symbol: 'SPX' } });
  await page.locator('#fill').getByText('filled', { exact: true }).waitFor();
  expect(await page.evaluate('document.body.dataset.mark')).toBe('never reloaded');
  await look(window, '7-order');
  await page.getByRole('link', { name: 'Its whole timeline' }).click();
  await page.waitForURL(/\/admin\/orders\/ord_\w+$/);
  const timeline = await page.locator('main').innerText();
  for (const status of ['received', 'submitting', 'open', 'filled']) expect(timeline).toContain(status);
  await window.screenshot('first-run-8-timeline');

  await window.open('/admin/welcome');
  await press(page, 'Go to the dashboard');
  await page.waitForURL(/\/admin$/);
  await window.open('/admin/welcome');
  expect(new URL(page.url()).pathname).toBe('/admin');
  // Two answers were refusals on purpose, which browsers report; nothing else was wrong.
  expect(window.trouble.filter((what) => !/status of 400/.test(what))).toEqual([]);

  const { store, audit } = gate.gateway;
  audit.flush();
  const record = store.db.prepare<[], string>('SELECT line FROM audit').pluck().all();
  const told = [...gate.logged, ...record, ...visited].join('\n');
  const session = (await window.context.cookies()).find(({ name }) => name.endsWith('-session'))?.value;
  expect(told).toContain('owner.totp_enrolled');
  for (const value of [setupCode, PASSPHRASE, secret, key, session ?? 'none', ...codes])
    expect(told).not.toContain(value);
  expect(visited.join()).not.toContain('code=');
}, 120_000);

const hasCurl = spawnSync('curl', ['--version']).status === 0;

it.runIf(hasCurl)(
  'is the same without scripts: by loading again, interrupted, with a curl for an agent',
  async () => {
    const gate = await unclaimed();
    const { code } = gate.gateway.access.owner.issueSetupCode();
    const window = await browser.window({ url: gate.url, javaScript: false });
    closers.push(() => window.close());
    const { page } = window;
    await window.open(`/admin/setup?code=${code}`);
    await page.getByLabel('Passphrase', { exact: true }).fill(PASSPHRASE);
    await press(page, 'Become the owner');
    const secret = ((await page.locator('.secret').textContent()) ?? '').replaceAll(' ', '');
    await page.getByLabel('Code that the app shows now').fill(generateSync({ secret }));
    await press(page, 'Confirm');
    const lost = await codesOn(page);

    // The codes were not kept: they are not shown again, and new ones replace them.
    await window.open('/admin/welcome');
    expect(await page.locator('#codes').count()).toBe(0);
    await press(page, 'Make new recovery codes');
    const codes = await codesOn(page);
    await page.getByLabel('One of the recovery codes').fill(lost[0] ?? '');
    await press(page, 'They are kept');
    await page.getByRole('alert').getByText('none of your recovery codes').waitFor();
    await page.getByLabel('One of the recovery codes').fill(codes[0] ?? '');
    await press(page, 'They are kept');
    await page.getByRole('heading', { name: 'Your paper account' }).waitFor();

    // Interrupted: signing in leads back to where it was.
    await press(page, 'Sign out');
    await page.getByLabel('Name').fill('owner');
    await page.getByLabel('Passphrase', { exact: true }).fill(PASSPHRASE);
    await page.getByLabel('Code from your authenticator app').fill(codes[1] ?? '');
    await press(page, 'Sign in');
    await page.getByText('That recovery code is used up; 9 are left.').waitFor();
    await page.getByRole('heading', { name: 'Your paper account' }).waitFor();
    await press(page, 'Go on');

    await page.getByLabel('Where the agent runs').selectOption({ label: 'curl, or a script' });
    await page.getByLabel('What to call it').fill('scalper');
    await press(page, 'Make the agent and its key');
    const pasted = await page.locator('#snippet').innerText();
    const shell = async (line: string): Promise<Record<string, unknown>> => {
      const { stdout } = await run('bash', ['-ec', line], { timeout: 30_000 });
      return JSON.parse(stdout) as Record<string, unknown>;
    };
    expect(await shell(pasted)).toMatchObject({ agent: 'scalper', trading_state: 'ACTIVE' });
    const [exported = ''] = pasted.split('\n');
    await window.open('/admin/welcome?step=agent');
    expect(await page.locator('#snippet').count()).toBe(0);
    await page.getByText('scalper is connected').waitFor();
    await page.getByRole('link', { name: 'Go on to its first order' }).click();

    const commandOf = async (id: string): Promise<string> =>
      `${exported}\n${(await page.locator(`#${id}-curl`).textContent()) ?? ''}`;
    expect(await shell(await commandOf('too-much'))).toMatchObject({ reason: 'max_order_value' });
    /** By loading the page again, as who has no scripts does. */
    const seen = async (shown: () => Promise<number>): Promise<void> => {
      const looked = async (): Promise<number> => {
        await window.open('/admin/welcome');
        return shown();
      };
      await expect.poll(looked, { timeout: 30_000, interval: 300 }).toBe(1);
    };
    await seen(() => page.locator('#refusal').getByText('of at most 25,000 USD').count());
    expect(await shell(await commandOf('fitting'))).toMatchObject({ dry_run: false });
    await seen(() => page.getByRole('button', { name: 'Go to the dashboard', exact: true }).count());
    await press(page, 'Go to the dashboard');
    await page.waitForURL(/\/admin$/);
    expect(gate.gateway.access.firstRun.isOver()).toBe(true);
  },
  120_000,
);
