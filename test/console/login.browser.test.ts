// Signing in and Security in a real browser: both themes, both widths, what is wrong included; and signing in without scripts.
import { generateSync } from 'otplib/functional';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { OWNER_CLI } from '#domain/principal.ts';
import { DESK_WIDTH, PHONE_WIDTH, useBrowser, type Window } from '../support/browser.ts';
import { openTestGateway, type TestGateway } from '../support/gateway.ts';

const browser = useBrowser();
const OWNER = { name: 'rosa', passphrase: 'four horses under the bridge' };

let gate: TestGateway;
beforeAll(async () => {
  gate = await openTestGateway();
  await owner().create({ ...OWNER, by: OWNER_CLI });
});
afterAll(() => gate?.close());
const owner = () => gate.gateway.access.owner;
const later = (ms: number): void => gate.clock.setWall(gate.clock.wallMs() + ms);

function authenticator(): { readonly code: () => string; readonly recovery: readonly string[] } {
  const { secret } = owner().beginTotp();
  const code = (): string => {
    later(30_000);
    return generateSync({ secret, epoch: Math.floor(gate.clock.wallMs() / 1_000) });
  };
  const confirmed = owner().confirmTotp(code());
  if (!confirmed.ok) throw new Error(confirmed.error.detail);
  owner().setPurposes(new Set(['sign_in'] as const));
  return { code, recovery: confirmed.value.recoveryCodes };
}

const VIEWS = [
  [PHONE_WIDTH, 'dark'],
  [PHONE_WIDTH, 'light'],
  [DESK_WIDTH, 'dark'],
  [DESK_WIDTH, 'light'],
] as const;
async function look(window: Window, name: string): Promise<void> {
  for (const [width, colorScheme] of VIEWS) {
    await window.page.setViewportSize({ width, height: 800 });
    await window.page.emulateMedia({ colorScheme });
    await window.screenshot(`${name}-${colorScheme}-${width}`);
    expect(await window.accessibility(), `${name} at ${width}, ${colorScheme}`).toEqual([]);
    expect(await window.scrollsSideways(), `${name} at ${width}, ${colorScheme}`).toBe(false);
  }
}
async function signIn(page: Page, fields: { passphrase?: string; code?: string } = {}): Promise<void> {
  await page.getByLabel('Name').fill(OWNER.name);
  await page.getByLabel('Passphrase', { exact: true }).fill(fields.passphrase ?? OWNER.passphrase);
  if (fields.code !== undefined) await page.getByLabel('Code from your authenticator app').fill(fields.code);
  // What stands in the page before the answer must not be taken for it.
  const answered = page.waitForEvent('framenavigated');
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await answered;
}

it.each([true, false])(
  'a passphrase alone, a lockout with its wait, a code, a recovery code; scripts: %s',
  async (javaScript) => {
    later(30 * 60_000);
    owner().removeTotp();
    const window = await browser.window({ url: gate.url, javaScript });
    const { page } = window;
    await window.open('/admin/agents');
    expect(await page.getByLabel('Code from your authenticator app').count()).toBe(0);
    await signIn(page);
    await page.waitForURL(`${gate.url}/admin/agents`);
    await page.getByRole('button', { name: 'Sign out', exact: true }).click();
    await page.getByText('You are signed out.').waitFor();
    await page.goBack();
    await page.reload();
    expect(new URL(page.url()).pathname).toBe('/admin/login');

    for (let tries = 0; tries < 5; tries++) {
      await signIn(page, { passphrase: 'not the passphrase' });
      await page.getByRole('alert').getByText('is wrong').waitFor();
    }
    await signIn(page);
    const told = await page
      .getByRole('alert')
      .getByText(/Too many wrong tries/)
      .innerText();
    if (javaScript) await look(window, 'login-locked');
    later(Number(/Wait (\d+) s/.exec(told)?.[1]) * 1_000);

    const { code, recovery } = authenticator();
    await window.open('/admin/login');
    if (javaScript) await look(window, 'login-code');
    await signIn(page, { code: code() });
    await page.waitForURL(`${gate.url}/admin`);
    await page.getByRole('button', { name: 'Sign out', exact: true }).click();
    await page.getByText('You are signed out.').waitFor();
    await signIn(page, { code: '000000' });
    await page.getByRole('alert').getByText('is wrong').waitFor();
    await signIn(page, { code: recovery[4] ?? '' });
    await page.getByText('That recovery code is used up; 9 are left.').waitFor();
    // Wrong tries are answered 401 and 429, which browsers report; nothing else was wrong.
    expect(window.trouble.filter((what) => !/status of 4(?:01|29)/.test(what))).toEqual([]);
    await window.close();
  },
  60_000,
);

it('Security stands in every view, with what is wrong and with what is shown once', async () => {
  later(30 * 60_000);
  const { code } = authenticator();
  const window = await browser.window({ url: gate.url });
  const { page } = window;
  await window.open('/admin/login?next=/admin/security');
  await page.getByLabel(/Trust this browser/).check();
  await signIn(page, { code: code() });
  await page.getByRole('heading', { name: 'Security' }).waitFor();
  await look(window, 'security');
  await page.getByText('Change it').click();
  await page.getByLabel('Current passphrase', { exact: true }).fill('not the passphrase');
  await page.getByLabel('New passphrase', { exact: true }).fill('five goats over the river');
  await page.getByRole('button', { name: 'Change the passphrase' }).click();
  await page.getByRole('alert').getByText('Nothing was changed').waitFor();
  await look(window, 'security-refused');
  await page.getByRole('button', { name: 'Enrol another authenticator …' }).click();
  await page.getByLabel('Code', { exact: true }).fill(code());
  await page.getByRole('button', { name: 'Confirm' }).click();
  await page.locator('.qr svg').waitFor();
  await look(window, 'security-enrol');
  await window.open('/admin/security');
  await page.getByRole('button', { name: 'Make new recovery codes …' }).click();
  await page.getByLabel('Code', { exact: true }).fill(code());
  await page.getByRole('button', { name: 'Confirm' }).click();
  await page.locator('#codes').waitFor();
  await look(window, 'security-codes');
  expect(window.trouble.filter((what) => !/status of 40[13]/.test(what))).toEqual([]);
  await window.close();
}, 120_000);
