/** A day at Kite, against its simulator: added with a code, signed in on its page and back, told of before the session ends, and signed in again from a terminal. */
import { generateSync } from 'otplib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { auditQuery } from '#audit/query.ts';
import { signIn, signInUrl } from '#cli/account-acts.ts';
import { carryOut } from '#cli/owner-socket.ts';
import { accountId } from '#domain/principal.ts';
import { type KiteSim, openKiteSim, SIM_KEY, SIM_SECRET } from '../brokers/zerodha/kite-sim.ts';
import { OWNER } from '../support/browser.ts';
import { handClock } from '../support/hand-clock.ts';
import { type TradingScene, tradingScene } from '../support/trading-scene.ts';

const KITE = accountId('kite');
const PAGE = '/admin/accounts/kite/sign-in';
/** 05:20 in India, a Tuesday: Kite ends the session at 06:00. */
const MORNING_MS = Date.parse('2026-01-05T23:50:00Z');
const MINUTE_MS = 60_000;

let sim: KiteSim;
let scene: TradingScene;
let code: () => string;
beforeAll(async () => {
  const clock = handClock(MORNING_MS);
  sim = await openKiteSim(clock);
  scene = await tradingScene({ clock });
  sim.redirectUrl = `${scene.gate.url}${PAGE}`;
  const { owner } = scene.gate.gateway.access;
  const { secret } = owner.beginTotp();
  code = () => generateSync({ secret, epoch: clock.wallMs() / 1_000 });
  owner.confirmTotp(code(), owner.sessions()[0]?.id);
  await clock.advanceAsync(MINUTE_MS);
});
afterAll(async () => {
  await scene.gate.close();
  await sim.close();
});

const health = () => scene.gate.gateway.engine.adapters.get(KITE)?.health();
const needs = (): readonly unknown[] => {
  const { audit, store, keyring } = scene.gate.gateway;
  audit.flush();
  return auditQuery(store, keyring)
    .tail(9, { kind: 'broker.sign_in_needed' })
    .map(({ detail }) => detail?.['needed']);
};
/** What Kite's page does with a browser that signs in there. */
async function atKite(url: string): Promise<URL> {
  const answer = await scene.during(fetch(url, { redirect: 'manual' }));
  return new URL(answer.headers.get('location') ?? '');
}

test('an account is signed in on Kite’s own page, and its browser comes back once', async () => {
  const added = await scene.console.follow(
    '/admin/add-account/zerodha/add',
    {
      name: 'kite',
      mode: 'live',
      'secret.api_key': SIM_KEY,
      'secret.api_secret': SIM_SECRET,
      'setting.endpoints': sim.url,
    },
    code(),
  );
  expect(added.words).toContain('is asked when you sign in there');
  expect(health()?.signInNeeded).toBe(true);
  const begun = await scene.console.post(`${PAGE}/begin`);
  const url = (begun.headers.get('refresh') ?? '').replace(/^0; url=/, '');
  expect(url).toContain(`api_key=${SIM_KEY}`);
  expect(url).not.toContain(SIM_SECRET);
  const back = await atKite(url);
  const done = await scene.console.get(back.pathname + back.search);
  expect([done.status, done.to]).toEqual([303, '/admin/accounts/kite']);
  await expect.poll(async () => scene.during(Promise.resolve(health()?.connected))).toBe(true);
  expect(health()?.sessionEndsAtMs).toBeGreaterThan(MORNING_MS);
  const again = await scene.console.get(back.pathname + back.search);
  expect(again.to).toBe(PAGE);
  expect((await scene.console.get('/admin/accounts/kite')).words).toMatch(/products cnc, mis, nrml/);
  expect((await scene.console.get('/admin/ticket')).html).toMatch(
    /<select id="ticket-product" name="product"[^>]*>\s*<option value="" selected>[^<]*<\/option><option value="cnc">/,
  );
  const { audit, store } = scene.gate.gateway;
  const detail = { amount: '-3', cash: '97', text: 'a fee <b>of theirs</b>' };
  store.transaction(() => {
    audit.record({ kind: 'ledger.adjusted', account: KITE, outcome: 'ok', detail });
    audit.record({
      kind: 'ledger.adjusted',
      account: accountId('paper'),
      outcome: 'ok',
      detail: { amount: '-44' },
    });
  });
  audit.flush();
  const page = await scene.console.get('/admin/accounts/kite');
  expect(page.words).toMatch(/What comparisons with its broker found .*ledger adjusted : amount -3/);
  expect(page.html).not.toContain('<b>of theirs');
  expect(page.words).not.toContain('-44');
});

test('the owner is told half an hour before the session ends and when it has, once each', async () => {
  const endsAtMs = health()?.sessionEndsAtMs ?? 0;
  const { clock, gateway } = scene.gate;
  // Nobody looks at the tape, and its every second would be played.
  gateway.feed.stop();
  // Who signs in right away is told nothing.
  expect(needs()).toEqual([]);
  await clock.advanceAsync(endsAtMs - clock.wallMs() - 31 * MINUTE_MS);
  expect(needs()).toEqual([]);
  await clock.advanceAsync(2 * MINUTE_MS);
  expect(needs()).toEqual(['soon']);
  await clock.advanceAsync(31 * MINUTE_MS);
  expect(needs()).toEqual(['soon', 'now']);
  await clock.advanceAsync(5 * MINUTE_MS);
  expect(needs()).toHaveLength(2);
});

test('the next day is begun from a terminal, with the whole address that the browser ended at', async () => {
  const { gateway } = scene.gate;
  const begun = await carryOut(signInUrl, gateway, { input: { name: 'kite' } });
  const url = begun.ok && 'url' in begun.value ? String(begun.value.url) : '';
  const query = Object.fromEntries((await atKite(url)).searchParams);
  const input = { name: 'kite', query };
  expect(await carryOut(signIn, gateway, { input })).toMatchObject({ error: { reason: 'unauthenticated' } });
  await scene.gate.clock.advanceAsync(MINUTE_MS);
  const proof = { passphrase: OWNER.passphrase, code: code() };
  expect(await scene.during(carryOut(signIn, gateway, { input, proof }))).toMatchObject({
    ok: true,
    value: { id: 'kite', sign_in_needed: false },
  });
  const line = JSON.stringify(auditQuery(gateway.store, gateway.keyring).tail(50));
  for (const secret of [SIM_SECRET, query['request_token'] ?? 'none']) expect(line).not.toContain(secret);
});
