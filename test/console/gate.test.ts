// The gate page over plain HTTP: what a kill would do in numbers, what it did, and the way back.
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Principal } from '#domain/principal.ts';
import { STEP_UP_TTL_MS } from '#limits.ts';
import { OWNER } from '../support/browser.ts';
import { type ConsoleClient, consoleClient } from '../support/console-client.ts';
import { formOf, type TradingScene, tradingScene } from '../support/trading-scene.ts';

let scene: TradingScene;
let claude: Principal;
let resting: string;
/** Without the market going on meanwhile. */
let plain: ConsoleClient;
const gate = () => scene.gate.gateway;
const DEFAULT = { cancel: 'adding', positions: 'keep' };
const kill = (fields: Readonly<Record<string, string>> = DEFAULT) =>
  scene.console.post('/admin/gate/kill', fields);
const working = (): number => gate().console.trading.owner.previewKill().working;
const held = (): number => gate().console.trading.owner.previewKill().positions;

beforeEach(async () => {
  scene = await tradingScene();
  plain = consoleClient(scene.gate.url, scene.token);
  await plain.get('/admin/gate');
  claude = scene.agent('claude');
  scene.agent('scalper');
  await scene.placed(claude, { symbol: 'SPX', side: 'buy', qty: '3', type: 'market', stop_loss: '1300' });
  resting = await scene.placed(claude, {
    symbol: 'SPX',
    side: 'buy',
    qty: '1',
    type: 'limit',
    limit_price: '1390',
    time_in_force: 'gtc',
  });
});
afterEach(() => scene.gate.close());

test('it says in numbers what would happen before it does', async () => {
  const { words, html } = await scene.console.get('/admin/gate');
  expect(words).toContain('2 agents shut out, reads included, until you resume');
  expect(words).toContain('1 order canceled: what could add risk');
  expect(words).toContain('1 order kept: what protects an open position');
  expect(words).toContain('1 position kept open');
  expect(words).toContain('Cancel all 2');
  expect(words).toContain('Close 1 at the market');
  expect(html).toMatch(/<button class="kill big" type="submit" autofocus>/);
  expect(gate().access.gatewayState()).toBe('ACTIVE');
});

test('one press halts, shuts every agent out, cancels what could add risk, and reports', async () => {
  const { status, words, html } = await kill();
  expect(status).toBe(200);
  expect(words).toContain('Orders canceled 1 Protective orders kept 1 Orders still working 0');
  expect(words).toContain('These positions stay open: SPX +3 paper');
  expect(html).toContain('data-state="HALTED"');
  expect(gate().access.gatewayState()).toBe('HALTED');
  expect(gate().access.stillLive(claude).ok).toBe(false);
  expect([working(), held()]).toEqual([1, 1]);
  expect((await scene.console.get(`/admin/orders/${resting}`)).words).toContain('canceled');
});

test('the form with choices closes no position unless that is chosen, before a kill and after it', async () => {
  const further = async (): Promise<unknown> => {
    const { html } = await scene.console.get('/admin/gate');
    return formOf(html.slice(html.indexOf('<fieldset>') - 300), '/admin/gate/kill');
  };
  expect(await further()).toEqual(DEFAULT);
  await kill({ cancel: 'adding', positions: 'close' });
  expect(await further()).toEqual(DEFAULT);
});

test('every other choice does what it says', async () => {
  await kill({ cancel: 'none', positions: 'keep' });
  expect([working(), held()]).toEqual([2, 1]);
  const all = await kill({ cancel: 'all', positions: 'close' });
  await scene.play(5);
  expect(all.words).toContain('Orders canceled 2');
  expect([working(), held()]).toEqual([0, 0]);
});

test.each([
  {},
  { cancel: 'adding' },
  { cancel: 'everything', positions: 'keep' },
  { ...DEFAULT, extra: '1' },
])('a form that does not say exactly what to do (%j) does nothing', async (fields) => {
  expect((await kill(fields)).status).toBe(400);
  expect(gate().access.gatewayState()).toBe('ACTIVE');
});

test('it works while nothing can be written, and what it did is on the record when that heals', async () => {
  const { db } = gate().store;
  db.pragma('query_only = 1');
  let answer: Awaited<ReturnType<typeof kill>> | undefined;
  void plain.post('/admin/gate/kill', DEFAULT).then((given) => {
    answer = given;
  });
  await expect.poll(() => gate().access.stillLive(claude).ok).toBe(false);
  // The paper broker's books stand in the same file: it can not say that the order is canceled, and is asked again.
  for (let second = 0; second < 60 && answer === undefined; second++) await scene.play(1);
  expect(answer?.status).toBe(200);
  expect(answer?.words).toContain('The gate is down');
  expect(answer?.words).toContain('The broker has not said that 1 order is canceled');
  expect((await scene.console.get('/admin')).html).toContain('data-state="HALTED"');
  db.pragma('query_only = 0');
  for (let second = 0; second < 60 && working() > 1; second++) await scene.play(1);
  expect(working()).toBe(1);
  expect(gate().console.audit.search({ kind: 'kill' }, 10).lines.length).toBeGreaterThan(0);
});

describe('the way back', () => {
  beforeEach(async () => {
    await kill();
    // The proof of the sign-in is old by now.
    gate().feed.stop();
    scene.gate.clock.advance(STEP_UP_TTL_MS + 1_000);
  });

  test('asks who it is, and lets everybody in again but who was halted by name', async () => {
    expect(gate().console.trading.owner.haltAgent('scalper').ok).toBe(true);
    const page = await scene.console.get('/admin/gate');
    expect(page.words).toContain('scalper stays halted');
    expect(page.words).not.toContain('claude stays');
    expect((await scene.console.post('/admin/gate/resume', {})).status).toBe(403);
    expect(gate().access.gatewayState()).toBe('HALTED');
    const raised = await scene.console.follow('/admin/gate/resume', {}, OWNER.passphrase);
    expect(raised.words).toContain('The gate is up');
    expect(gate().access.gatewayState()).toBe('ACTIVE');
    expect(gate().access.agents.byName('scalper')?.halted).not.toBeNull();
  });

  test('takes away the file that would drop the gate again', async () => {
    const file = join(scene.gate.config.DATA_DIR, 'KILL');
    writeFileSync(file, '');
    await scene.play(1);
    await scene.console.post('/admin/gate/resume', {}, OWNER.passphrase);
    await scene.play(1);
    expect(existsSync(file)).toBe(false);
    expect(gate().access.gatewayState()).toBe('ACTIVE');
  });

  test('is none while the gate is up', async () => {
    await scene.console.post('/admin/gate/resume', {}, OWNER.passphrase);
    const again = await scene.console.post('/admin/gate/resume', {}, OWNER.passphrase);
    expect(again.status).toBe(400);
  });
});

describe('a drill', () => {
  test('cancels on the paper account alone, shows the report, and leaves gate and agents as they were', async () => {
    const page = await scene.console.get('/admin/gate');
    const fields = formOf(page.html, '/admin/gate/drill');
    expect(fields).toEqual({ account: 'paper' });
    const { status, words, html } = await scene.console.post('/admin/gate/drill', { account: 'paper' });
    expect(status).toBe(200);
    expect(words).toMatch(/What the drill on paper did, in .*The gate stayed up, nobody was shut out/);
    expect(words).toContain('Orders canceled 1 Protective orders kept 1 Orders still working 0');
    expect(html).not.toContain('data-state="HALTED"');
    expect(gate().access.gatewayState()).toBe('ACTIVE');
    expect(gate().access.stillLive(claude).ok).toBe(true);
    expect([working(), held()]).toEqual([1, 1]);
    expect((await scene.console.get(`/admin/orders/${resting}`)).words).toContain('canceled');
  });

  test('is refused in words for an account that there is not, and is not offered while the gate is down', async () => {
    const refused = await scene.console.post('/admin/gate/drill', { account: 'nowhere' });
    expect(refused.words).toContain('There is no account nowhere');
    await kill();
    expect((await scene.console.get('/admin/gate')).html).not.toContain('/admin/gate/drill');
    const down = await scene.console.post('/admin/gate/drill', { account: 'paper' });
    expect(down.words).toContain('The gate is down already');
  });
});
