// ccxt takes a fee of its own where an exchange lets a program have one: with the owner's key it would approve that by itself.

import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { openExchange } from '#brokers/ccxt/exchange.ts';
import { listExchanges } from '#brokers/ccxt/load.ts';
import { wallClock } from '../../../server/clock.ts';

const open: (() => unknown)[] = [];
afterEach(() => {
  for (const close of open.splice(0).toReversed()) close();
});

const KEY = `0x${'1'.repeat(64)}`;
const WALLET = '0x19e7e376e7c213b7e7e7e46cc70a5dd086daff2a';
const TAKES_A_FEE = ['aster', 'extended', 'grvt', 'hyperliquid', 'lighter', 'nado', 'pacifica'];

/** An exchange that agrees to everything, and remembers what it was asked for. */
async function agreeing(): Promise<{ readonly rest: string; readonly bodies: string[] }> {
  const bodies: string[] = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    bodies.push(`${request.url} ${body}`);
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"status":"ok"}');
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  open.push(() => server.close());
  return { rest: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, bodies };
}

it('nothing is approved at Hyperliquid, nor is anybody named who sent the owner', async () => {
  const venue = await agreeing();
  const exchange = openExchange({
    exchange: 'hyperliquid',
    kind: 'swap',
    testnet: false,
    credentials: { walletAddress: WALLET, privateKey: KEY },
    endpoints: { rest: venue.rest },
    clock: wallClock,
  });
  open.push(() => exchange.close());
  const { ccxt, wire } = exchange;
  // What ccxt does by itself with the first question about coins, and before every order.
  const own = ccxt as unknown as { initializeClient(): Promise<unknown> };
  await wire.run({ kind: 'read', left: false, status: undefined }, () => own.initializeClient());
  expect(venue.bodies).not.toEqual([]);
  expect(venue.bodies.filter((body) => /approve|referrer|builder/i.test(body))).toEqual([]);
  expect(ccxt.options['approvedBuilderFee'] ?? false).toBe(false);
});

it('every exchange at which ccxt takes one is known, and has it switched off', () => {
  const folder = join(dirname(createRequire(import.meta.url).resolve('ccxt')), '..', 'js', 'src');
  const found = listExchanges().filter((id) =>
    /['"]builderFee|approveBuilder|setReferrer/.test(readFileSync(join(folder, `${id}.js`), 'utf8')),
  );
  expect(found).toEqual(TAKES_A_FEE);
  for (const id of found) {
    const exchange = openExchange({
      exchange: id,
      kind: 'swap',
      testnet: false,
      credentials: {},
      clock: wallClock,
    });
    open.push(() => exchange.close());
    const { ccxt } = exchange;
    expect(ccxt.options, id).toMatchObject({ builderFee: false, builderFeeRate: '0', refSet: true });
    expect(ccxt.options['builderId'], id).toBeUndefined();
  }
});
