/** What an owner gives of a broker is sealed and nowhere else: not in answers, errors, the record, the log, the database or its backups. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { generateSync } from 'otplib';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { alpaca } from '#brokers/alpaca/index.ts';
import type { BrokerDefinition } from '#brokers/broker.ts';
import { ccxt } from '#brokers/ccxt/index.ts';
import { paper } from '#brokers/paper/index.ts';
import { zerodha } from '#brokers/zerodha/index.ts';
import { add, credentials as change, list } from '#cli/account-acts.ts';
import { beginSignIn, finishSignIn } from '#cli/account-sign-in.ts';
import { carryOut } from '#cli/owner-socket.ts';
import { accountId, OWNER_CLI } from '#domain/principal.ts';
import { openTestGateway, type TestGateway } from '../support/gateway.ts';
import { type HandClock, handClock } from '../support/hand-clock.ts';
import { WIDE_MANDATE } from '../support/trading-room.ts';
import { openSimulator } from './alpaca/simulator/simulator.ts';
import { BINANCE } from './ccxt/bench.ts';
import { openKiteSim, SIM_KEY, SIM_SECRET } from './zerodha/kite-sim.ts';

const PASSPHRASE = 'four words nobody said';
// A Monday, while each market is open.
const NOW_MS: Readonly<Record<string, number>> = {
  alpaca: Date.UTC(2026, 0, 5, 16),
  zerodha: Date.UTC(2026, 0, 5, 6),
  ccxt: Date.UTC(2026, 0, 5, 6),
};

/** Its addresses are one setting of two parts, and what is typed in is text. */
const parts = z.preprocess((given) => {
  const { endpoints, ...rest } = z.record(z.string(), z.unknown()).parse(given);
  return typeof endpoints === 'string' ? { ...rest, endpoints: JSON.parse(endpoints) as unknown } : given;
}, ccxt.settings);
const BROKERS: readonly BrokerDefinition[] = [paper, alpaca, zerodha, { ...ccxt, settings: parts }];

/** A broker's simulator as these tests see it. */
interface Told {
  readonly account: object;
  readonly mode: 'paper' | 'live';
  readonly symbol: string;
  readonly limit: string;
  readonly secrets: () => readonly string[];
  /** The next requests are refused in words that quote what was sent with them. */
  complain(status: number): void;
  readonly signIn: boolean;
  close(): Promise<void>;
}

const SIMULATED: Readonly<Record<string, (clock: HandClock) => Promise<Told>>> = {
  async alpaca(clock) {
    const sim = await openSimulator(() => clock.wallMs());
    // A market that goes on.
    const quoteOn = (): void => {
      sim.quote('AAPL', '190.00', '190.10');
      clock.after(1_000, quoteOn);
    };
    quoteOn();
    const { keyId, secret } = sim.state;
    return {
      account: { settings: { endpoints: sim.url }, credentials: { key_id: keyId, secret_key: secret } },
      mode: 'paper',
      symbol: 'AAPL',
      limit: '185.50',
      secrets: () => [keyId, secret],
      complain(status) {
        const body = JSON.stringify({ code: 40310000, message: `not for ${keyId} with ${secret}` });
        for (let times = 0; times < 6; times++) sim.next(() => true, { kind: 'status', status, body });
      },
      signIn: false,
      close: () => sim.close(),
    };
  },
  async ccxt(clock) {
    const sim = await BINANCE.open(clock);
    const { apiKey, secret } = BINANCE.credentials;
    sim.quote('50000.00', '50000.10');
    const quoteOn = (): void => {
      sim.quote('50000.00', '50000.10');
      clock.after(1_000, quoteOn);
    };
    quoteOn();
    const endpoints = JSON.stringify({ rest: sim.server.rest, stream: sim.server.stream });
    return {
      account: {
        settings: { exchange: 'binance', kind: 'spot', currency: 'USDT', endpoints },
        credentials: { apiKey, secret },
      },
      mode: 'live',
      symbol: 'BTC/USDT',
      limit: '49000.00',
      secrets: () => [apiKey, secret],
      complain(status) {
        // Its secret signs and is never sent, so it can not be quoted.
        const body = { code: -2015, msg: `not for ${apiKey}` };
        for (const kind of ['place', 'read', 'read', 'read'] as const)
          sim.server.refuse(kind, { status, body });
      },
      signIn: false,
      close: () => sim.close(),
    };
  },
  async zerodha(clock) {
    const sim = await openKiteSim(clock);
    const tokens = new Set<string>();
    return {
      account: {
        settings: { endpoints: sim.url },
        credentials: { api_key: SIM_KEY, api_secret: SIM_SECRET },
      },
      mode: 'live',
      symbol: 'NSE:INFY',
      limit: '1490',
      secrets() {
        tokens.add(sim.token() ?? SIM_SECRET);
        return [SIM_SECRET, ...tokens];
      },
      complain(status) {
        const message = `not for ${SIM_KEY} with ${sim.token() ?? ''}`;
        const body = JSON.stringify({ status: 'error', error_type: 'InputException', message });
        sim.fault({ match: /./, times: 6, handled: false, does: { status, body } });
      },
      signIn: true,
      close: () => sim.close(),
    };
  },
};

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).toReversed()) await one.close();
});

async function passing<T>({ clock }: TestGateway, promise: Promise<T>): Promise<T> {
  let settled = false;
  const mark = (): void => {
    settled = true;
  };
  promise.then(mark, mark);
  while (!settled) {
    await new Promise((turn) => setTimeout(turn, 1));
    await clock.advanceAsync(20);
  }
  return promise;
}
const pass = async ({ clock }: TestGateway, ms: number): Promise<void> => {
  for (let at = 0; at < ms; at += 250) {
    await new Promise((turn) => setTimeout(turn, 1));
    await clock.advanceAsync(250);
  }
};

/** The owner with a passphrase and a code, as real money asks for. */
async function owned({ gateway: { access }, clock }: TestGateway) {
  const made = await access.owner.create({ name: 'mia', passphrase: PASSPHRASE, by: OWNER_CLI });
  if (!made.ok) throw new Error(made.error.detail);
  const { secret } = access.owner.beginTotp();
  const code = () => generateSync({ secret, epoch: clock.wallMs() / 1_000 });
  if (!access.owner.confirmTotp(code()).ok) throw new Error('the code is wrong');
  clock.advance(30_000);
  return () => ({ passphrase: PASSPHRASE, code: code() });
}

/** Every file below a folder, in the bytes that are on the disk. */
const filesIn = (folder: string): readonly { readonly path: string; readonly text: string }[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => existsSync(path) && statSync(path).isFile())
    .map((path) => ({ path, text: readFileSync(path, 'latin1') }));

describe.each(Object.keys(SIMULATED))('canaries at %s', (broker) => {
  it('are sealed in the database and its backup, and stand nowhere else, whatever fails', async () => {
    const clock = handClock(NOW_MS[broker]);
    const told = await SIMULATED[broker]?.(clock);
    if (told === undefined) throw new Error(broker);
    open.push(told);
    const gate = await openTestGateway({ clock, brokers: BROKERS });
    open.push(gate);
    const said: unknown[] = [];
    const proof = await owned(gate);
    const input = { broker, name: 'main', mode: told.mode, ...told.account };

    // Tried while the broker complains, until it takes them.
    told.complain(403);
    let added = await passing(gate, carryOut(add, gate.gateway, { input, proof: proof() }));
    for (let tries = 1; tries < 10 && !added.ok; tries++) {
      said.push(added);
      clock.advance(30_000);
      added = await passing(gate, carryOut(add, gate.gateway, { input, proof: proof() }));
    }
    said.push(added);
    expect(added, JSON.stringify(added)).toMatchObject({ ok: true });
    const signedIn = async (): Promise<boolean> => {
      const begun = beginSignIn(gate.gateway, 'main', 'a session');
      if (!begun.ok) throw new Error(begun.error.detail);
      const page = await fetch(begun.value.url, { redirect: 'manual' });
      const query = Object.fromEntries(new URL(page.headers.get('location') ?? '').searchParams);
      const came = { session: 'a session', query, by: OWNER_CLI };
      const finished = await passing(gate, finishSignIn(gate.gateway, 'main', came));
      said.push(finished);
      return finished.ok;
    };
    // The broker complains a few times of this too.
    for (let tries = 0; told.signIn && tries < 10 && !(await signedIn()); tries++) await pass(gate, 1_000);
    await pass(gate, 5_000);

    const { access } = gate.gateway;
    access.agents.create('claude', ['main'], OWNER_CLI);
    const { key } = gate.key('claude');
    const who = access.keys.authenticate(key, { door: 'http' });
    if (!who.ok) throw new Error(who.error.detail);
    const call = async (tool: string, args: object): Promise<void> => {
      said.push(await passing(gate, gate.call(tool, args, who.value)));
    };
    const mandate = { ...WIDE_MANDATE, accounts: ['main'], symbols: [told.symbol] };
    // Its list of instruments comes by itself, after the complaints.
    for (let tries = 0; tries < 60 && !access.mandates.set('claude', mandate, OWNER_CLI).ok; tries++)
      await pass(gate, 30_000);
    const order = {
      account: 'main',
      symbol: told.symbol,
      side: 'buy',
      qty: '1',
      type: 'limit',
      limit_price: told.limit,
      time_in_force: broker === 'zerodha' ? 'day' : 'gtc',
      dry_run: false,
    };
    // A complaint may be left over from before.
    for (const [index, status] of [200, 200, 400, 403, 422, 429, 500].entries()) {
      if (status !== 200) told.complain(status);
      await call('place_order', { ...order, idempotency_key: `order-${index}` });
      for (const tool of ['get_account', 'get_positions', 'get_orders', 'get_gateway_status'])
        await call(tool, tool === 'get_gateway_status' ? {} : { account: 'main' });
      await call('get_quotes', { symbols: [told.symbol] });
      await pass(gate, 3_000);
    }
    said.push(await passing(gate, carryOut(list, gate.gateway, { input: {} })));
    said.push(
      await passing(
        gate,
        carryOut(change, gate.gateway, { input: { name: 'main', credentials: {} }, proof: proof() }),
      ),
    );
    said.push(gate.gateway.engine.adapters.get(accountId('main'))?.health());
    said.push(gate.logged);

    // Words of the broker came through, and so did an order.
    expect(JSON.stringify(said)).toContain('not for');
    expect(JSON.stringify(said)).toContain('"status":"open"');
    const { db } = gate.gateway.store;
    db.pragma('wal_checkpoint(TRUNCATE)');
    const backup = join(gate.folder, 'data', 'whole-backup.db');
    await db.backup(backup);
    const copied = new Database(backup, { readonly: true });
    const sealed = copied.prepare('SELECT count(*) FROM account_secrets').pluck().get();
    copied.close();
    expect(sealed).toBeGreaterThan(0);

    const everywhere = [{ path: 'what was answered', text: JSON.stringify(said) }, ...filesIn(gate.folder)];
    expect(everywhere.some(({ path }) => path.endsWith('audit.jsonl'))).toBe(true);
    for (const secret of told.secrets())
      for (const { path, text } of everywhere)
        expect(text.includes(secret), `${secret.slice(0, 4)}… in ${path}`).toBe(false);
  });
});
