// A key that can take money out is told before it is stored: by the exchange, or here where it is the wallet's own.

import { generateSync } from 'otplib';
import { afterEach, expect, it } from 'vitest';
import { openExchange } from '#brokers/ccxt/exchange.ts';
import { askKey } from '#brokers/ccxt/facts.ts';
import { add } from '#cli/account-acts.ts';
import { carryOut } from '#cli/owner-socket.ts';
import { accountId, OWNER_CLI } from '#domain/principal.ts';
import { wallClock } from '../../../server/clock.ts';
import { openTestGateway, type TestGateway } from '../../support/gateway.ts';
import { handClock } from '../../support/hand-clock.ts';
import { BINANCE_KEY, BINANCE_SECRET, openBinanceSim } from './binance-sim.ts';

const KEY = `0x${'1'.repeat(64)}`;
const WALLET = '0x19e7e376e7c213b7e7e7e46cc70a5dd086daff2a';
const PASSPHRASE = 'four words nobody said';
const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).toReversed()) await close();
});

it.each([
  ['the wallet itself', WALLET, KEY, 'can-withdraw'],
  [
    'the wallet itself, written otherwise',
    WALLET.toUpperCase().replace('0X', '0x'),
    KEY.slice(2),
    'can-withdraw',
  ],
  ['an agent wallet', `0x${'a'.repeat(40)}`, KEY, 'unasked'],
  ['nothing', WALLET, 'no key at all', 'unasked'],
])('tells a key of %s at Hyperliquid, asking nobody', async (_of, walletAddress, privateKey, said) => {
  for (const testnet of [false, true]) {
    const exchange = openExchange({
      exchange: 'hyperliquid',
      kind: 'swap',
      testnet,
      credentials: { walletAddress, privateKey },
      endpoints: { rest: 'http://127.0.0.1:9' },
      clock: wallClock,
    });
    open.push(() => exchange.close());
    expect(await askKey(exchange.ccxt, exchange.facts)).toBe(said);
  }
});

const clock = handClock();
async function passing<T>(promise: Promise<T>): Promise<T> {
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
async function owned({ gateway: { access } }: TestGateway) {
  const made = await access.owner.create({ name: 'mia', passphrase: PASSPHRASE, by: OWNER_CLI });
  if (!made.ok) throw new Error(made.error.detail);
  const { secret } = access.owner.beginTotp();
  const code = () => generateSync({ secret, epoch: clock.wallMs() / 1_000 });
  if (!access.owner.confirmTotp(code()).ok) throw new Error('the code is wrong');
  return () => {
    clock.advance(30_000);
    return { passphrase: PASSPHRASE, code: code() };
  };
}

it('stores nothing of an account whose key may withdraw, and does not take its name', async () => {
  const sim = await openBinanceSim(clock);
  open.push(() => sim.close());
  const gate = await openTestGateway({ clock, http: false });
  open.push(() => gate.close());
  const proof = await owned(gate);
  const coins = {
    broker: 'ccxt',
    name: 'coins',
    mode: 'live',
    settings: {
      exchange: 'binance',
      kind: 'spot',
      currency: 'USDT',
      'endpoints.rest': sim.server.rest,
      'endpoints.stream': sim.server.stream,
    },
    credentials: { apiKey: BINANCE_KEY, secret: BINANCE_SECRET },
  };
  const why =
    'The account was not added. The key may withdraw: make one that may read and trade and nothing else, at a decentralised exchange that of an agent wallet.';
  const added = (input: object) => passing(carryOut(add, gate.gateway, { input, proof: proof() }));
  sim.mayWithdraw = true;
  expect(await added(coins)).toMatchObject({ ok: false, error: { detail: why } });
  const wallet = {
    ...coins,
    settings: {
      exchange: 'hyperliquid',
      kind: 'swap',
      currency: 'USDC',
      'endpoints.rest': 'http://127.0.0.1:9',
    },
    credentials: { walletAddress: WALLET, privateKey: KEY },
  };
  expect(await added(wallet)).toMatchObject({ ok: false, error: { detail: why } });
  const { accounts, secrets } = gate.gateway;
  expect(accounts.wasTaken(accountId('coins'))).toBe(false);
  expect(secrets.read(accountId('coins'), 'credentials')).toBeUndefined();
  sim.mayWithdraw = false;
  expect(await added(coins)).toMatchObject({ ok: true, value: { id: 'coins', trouble: null } });
});
