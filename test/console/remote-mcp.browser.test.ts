/** Remote clients in a real browser, a phone first: one that asks appears by itself, is approved under the thumb, and shows how far it came. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { OWNER_CONSOLE } from '#domain/principal.ts';
import { fingerprint } from '#oauth/fingerprint.ts';
import {
  DESK_WIDTH,
  PHONE_WIDTH,
  signedIn,
  useBrowser,
  type Window,
  type WindowOptions,
} from '../support/browser.ts';
import { openTestGateway, type TestGateway } from '../support/gateway.ts';
import { goingOn } from '../support/going-on.ts';
import { type HandClock, handClock } from '../support/hand-clock.ts';
import { waitingClient } from '../support/waiting-client.ts';

const HOSTILE = `\u202E\u001B[31m"><img src=x onerror="portcullisTrouble('xss')">{{7*8191}}`;
const THUMB_HEIGHT_MIN = 44;

const browser = useBrowser();
let gate: TestGateway<HandClock>;
let token: string;
const windows: Window[] = [];
const { during, until } = goingOn(() => gate.clock);
beforeAll(async () => {
  gate = await openTestGateway({
    // Browsers forget what has expired by their own clock.
    clock: handClock(Date.now()),
    settings: {
      MCP_HTTP_ENABLED: 'true',
      MCP_PUBLIC_URL: 'http://127.0.0.1:7811',
      MCP_OAUTH_WRITE_SCOPE_ENABLED: 'true',
    },
  });
  token = await signedIn(gate);
  gate.gateway.feed.stop();
});
afterEach(async () => {
  for (const window of windows.splice(0)) await window.close();
});
afterAll(() => gate.close());

async function opened(path: string, options: Partial<WindowOptions> = {}): Promise<Window> {
  const window = await browser.window({ url: gate.url, token, width: PHONE_WIDTH, ...options });
  windows.push(window);
  await during(window.open(path));
  return window;
}

test('a client that asks appears by itself on a phone, is approved there, and its steps follow', async () => {
  const window = await opened('/admin/remote-mcp');
  const { page } = window;
  expect(await page.getByText('Nobody.', { exact: true }).count()).toBe(1);
  const id = waitingClient(gate.gateway, { name: 'Claude' });
  await until(async () => (await page.locator('.asks-in').count()) === 1);
  const card = page.locator('.asks-in');
  expect(await card.locator('.fingerprint').innerText()).toBe(fingerprint(id));
  expect(await card.innerText()).toContain('claude.ai');
  for (const control of await card.locator('button:visible, select:visible').all())
    expect((await control.boundingBox())?.height).toBeGreaterThanOrEqual(THUMB_HEIGHT_MIN);
  expect(await card.locator('input[value="write:orders"]').isChecked(), 'writing is never ticked').toBe(
    false,
  );
  await during(card.getByRole('button', { name: 'Approve Claude' }).click());
  await page.getByText('Approved for the agent claude.').waitFor();
  expect(gate.gateway.clients.find(id)?.ceiling).toEqual(['read:market', 'read:account']);

  gate.gateway.connections.note('authorize', { clientId: id }, 'ok');
  await until(async () => (await page.locator('.verdict').innerText()).includes('waits for you to sign in'));
  for (const step of ['sign_in', 'consent'] as const)
    gate.gateway.connections.note(step, { clientId: id }, 'ok');
  await until(async () =>
    (await page.locator('.verdict').innerText()).includes('never came back for the token'),
  );
  expect(await page.locator('.way .next').innerText()).toContain('Token');
  expect(window.trouble).toEqual([]);
});

test('a client with a hostile name runs nothing, widens nothing, and is rejected with one press', async () => {
  const id = waitingClient(gate.gateway, {
    name: HOSTILE,
    redirect: `https://evil.example/${'very-long-'.repeat(30)}`,
  });
  for (const path of ['/admin/remote-mcp', `/admin/remote-mcp/clients/${id}`, '/admin']) {
    const window = await opened(path);
    expect(await window.page.locator('main').innerText()).not.toMatch(/[\u202E\u001B]|57337/);
    expect(await window.scrollsSideways(), path).toBe(false);
    expect(window.trouble).toEqual([]);
  }
  const { page } = await opened(`/admin/remote-mcp/clients/${id}`, { javaScript: false });
  await during(page.getByRole('button', { name: 'Reject it' }).click());
  await page.getByText('Rejected: it is not let in').waitFor();
  expect(gate.gateway.clients.find(id)?.state).toBe('revoked');
});

test('the pages keep to WCAG at both widths and in both themes, full and empty', async () => {
  const { clients, connections, grants, store, audit, access } = gate.gateway;
  const [waits, works] = ['Waits', 'Works'].map((name) => waitingClient(gate.gateway, { name }));
  const approved = clients.approve({ clientId: works ?? '', by: OWNER_CONSOLE });
  if (!approved.ok || !approved.value.agent) throw new Error('it was not approved');
  const { agent, ceiling: scopes, credential } = approved.value;
  const clientId = works ?? '';
  store.transaction(() => {
    const expiresAtMs = access.wall() + 86_400_000;
    grants.open({ grantId: 'grant_1', clientId, agent: agent.id, scopes, steppedUpAtMs: null, expiresAtMs });
    for (const outcome of ['ok', 'refused'] as const)
      audit.record({
        kind: 'tool.call',
        agent: agent.name,
        credential,
        door: 'http',
        tool: 'get_quotes',
        outcome,
      });
  });
  for (const step of ['authorize', 'sign_in', 'consent', 'token', 'first_call'] as const)
    connections.note(step, { clientId }, 'ok');
  connections.note('challenge', { address: '203.0.113.77' }, 'ok');
  connections.note('token', { address: '203.0.113.78' }, 'invalid_client');
  audit.flush();
  for (const path of [
    '/admin/remote-mcp',
    `/admin/remote-mcp/clients/${works}`,
    `/admin/remote-mcp/clients/${waits}`,
    '/admin/remote-mcp/calls',
  ])
    for (const [theme, width] of [
      ['light', DESK_WIDTH],
      ['dark', PHONE_WIDTH],
    ] as const) {
      const window = await opened(path, { theme, width });
      expect(await window.accessibility(), `${path} ${theme}`).toEqual([]);
      expect(await window.scrollsSideways(), `${path} ${width}`).toBe(false);
      expect(window.trouble).toEqual([]);
      await window.screenshot(
        `remote-${path
          .split('/')
          .at(-1)
          ?.replace(/^client_.*/, 'client')}-${theme}`,
      );
    }
});
