/** The human half of an authorization in Chromium: on a phone and a desk, with the keyboard alone, with and without scripts. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DESK_WIDTH, PHONE_WIDTH, useBrowser, type Window } from '../support/browser.ts';
import { approvedClient, grantsOf } from '../support/consent-scene.ts';
import { type Asked, approve, authorization, register } from '../support/remote-flow.ts';
import { openRemoteGateway, type RemoteGateway } from '../support/remote-gateway.ts';

const browser = useBrowser();
let at: RemoteGateway;
let app: App;
beforeAll(async () => {
  app = await openApp();
  at = await openRemoteGateway({
    settings: { MCP_OAUTH_WRITE_SCOPE_ENABLED: 'true' },
    totp: ['remote_write'],
  });
});
afterAll(async () => {
  await at.close();
  app.close();
});

interface App {
  readonly callback: string;
  /** With what browsers came there, each time. */
  readonly came: URL[];
  close(): void;
}
/** What waits for the answer, at an origin of its own. */
async function openApp(): Promise<App> {
  const came: URL[] = [];
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://127.0.0.1');
    if (url.pathname === '/callback') came.push(url);
    response.setHeader('content-type', 'text/html').end('<!doctype html><title>Back at the app</title>');
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  return { callback: `http://127.0.0.1:${port}/callback`, came, close: () => void server.close() };
}

/** What went wrong but for what had to be: the way to the app, and statuses that are the page's own. */
const unexpected = ({ trouble }: Window): readonly string[] =>
  trouble.filter(
    (line) =>
      !line.startsWith(`left the origin: ${new URL(app.callback).origin}/`) &&
      !/status of (?:400|401|403|404|503)/.test(line),
  );

const asksFor = async (clientId: string): Promise<Asked> =>
  authorization(at, { clientId, redirectUri: app.callback, scope: 'read:market read:account write:orders' });
const registered = async (): Promise<string> =>
  String((await register(at, { client_name: 'Claude', redirect_uris: [app.callback] })).body['client_id']);

const focused = (page: Page): Promise<string> =>
  page.evaluate<string>('document.activeElement.name || document.activeElement.textContent.trim()');

async function judge(window: Window, name: string): Promise<void> {
  expect(await window.accessibility()).toEqual([]);
  expect(await window.scrollsSideways()).toBe(false);
  await window.screenshot(`oauth-${name}`);
}

test('a phone: the page that waits goes on by itself, and the keyboard alone leads to the app', {
  timeout: 60_000,
}, async () => {
  const window = await browser.window({ url: at.issuer, width: PHONE_WIDTH, theme: 'dark' });
  const { page } = window;
  const { came } = app;
  came.length = 0;
  const clientId = await registered();
  const asked = await asksFor(clientId);

  await page.goto(asked.url);
  await judge(window, 'waiting-phone');
  approve(at, clientId, { scopes: ['read:market', 'read:account', 'write:orders'] });
  // As when the owner comes back from the tab where they approved.
  await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))");
  await page.waitForURL((url) => url.pathname.startsWith('/oauth/interaction/') && url.href !== asked.url);
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  await judge(window, 'sign-in-phone');

  expect(await focused(page)).toBe('name');
  await page.keyboard.type(at.owner.name);
  await page.keyboard.press('Tab');
  if ((await focused(page)) === 'Show') await page.keyboard.press('Tab');
  await page.keyboard.type(at.owner.passphrase);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'What may this app do?' }).waitFor();
  const code = page.getByLabel('Code from your authenticator app');
  expect(await code.isVisible()).toBe(false);
  await judge(window, 'consent-phone');

  const tabTo = async (wanted: string): Promise<void> => {
    for (let presses = 0; presses < 30 && (await focused(page)) !== wanted; presses++)
      await page.keyboard.press('Tab');
    expect(await focused(page)).toBe(wanted);
  };
  await tabTo('scopes');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Space');
  expect(await page.getByLabel('Trade').isChecked()).toBe(true);
  expect(await code.isVisible()).toBe(true);
  await tabTo('code');
  await page.keyboard.type('000000');
  await page.keyboard.press('Enter');
  await page.getByRole('alert').waitFor();
  // What was ticked is ticked still, and what was typed as a code is gone.
  expect([await page.getByLabel('Trade').isChecked(), await code.inputValue()]).toEqual([true, '']);
  // On a phone the top of the form is two screens away.
  expect(await page.locator('#consent-code:focus').count()).toBe(1);
  await judge(window, 'consent-refused-phone');
  await code.fill(at.owner.code());
  await tabTo('Allow what is ticked');
  await page.keyboard.press('Enter');
  await page.waitForURL(`${app.callback}**`);
  expect(came.map(({ searchParams }) => searchParams.get('state'))).toEqual([asked.state]);
  expect(came[0]?.searchParams.get('code')).not.toBeNull();
  expect(grantsOf(at, clientId)[0]?.scopes).toContain('write:orders');

  expect(unexpected(window)).toEqual([]);
  await window.close();
});

test('a desk without scripts: continue, sign in and allow nothing', { timeout: 60_000 }, async () => {
  const window = await browser.window({ url: at.issuer, width: DESK_WIDTH, javaScript: false });
  const { page } = window;
  const { came } = app;
  came.length = 0;
  const clientId = await registered();
  const asked = await asksFor(clientId);
  await page.goto(asked.url);
  expect(await page.locator('meta[http-equiv=refresh]').count()).toBe(1);
  approve(at, clientId, { agent: 'desk' });
  await page.getByRole('button', { name: 'Continue' }).click();
  await page.getByLabel('Name').fill(at.owner.name);
  await page.getByLabel('Passphrase').fill('not the passphrase');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('alert').waitFor();
  expect(await page.getByLabel('Name').inputValue()).toBe(at.owner.name);
  await page.getByLabel('Passphrase').fill(at.owner.passphrase);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('button', { name: 'Allow nothing' }).click();
  await page.waitForURL(`${app.callback}**`);
  expect(came[0]?.searchParams.get('error')).toBe('access_denied');
  expect(grantsOf(at, clientId)).toEqual([]);
  await page.goBack();
  await page.getByRole('heading', { name: 'This page is over' }).waitFor();
  expect(unexpected(window)).toEqual([]);
  await window.close();
});

test('a desk: a hostile name stays words, and what the app asked wrongly is told in a page', {
  timeout: 60_000,
}, async () => {
  const window = await browser.window({ url: at.issuer, theme: 'light' });
  const { page } = window;
  const name = `</q><img src=x onerror=alert(1)>\u202e${'W'.repeat(60)}`;
  const { body } = await register(at, { client_name: name, redirect_uris: [app.callback] });
  await page.goto((await asksFor(String(body['client_id']))).url);
  expect(await page.locator('img[src="x"]').count()).toBe(0);
  await judge(window, 'hostile-desk');
  await page.goto((await asksFor('client_ffffffffffffffffffffffffffffffff')).url);
  await page.getByRole('heading', { name: 'This gateway does not know that app' }).waitFor();
  await judge(window, 'unknown-desk');
  const clientId = approvedClient(at);
  await page.goto((await asksFor(clientId)).url);
  await page.getByRole('heading', { name: 'The answer was to go to another address' }).waitFor();
  expect(unexpected(window)).toEqual([]);
  await window.close();
});
