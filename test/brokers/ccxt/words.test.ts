// What an exchange says in its own words: shown to the owner, to agents and in a terminal, so it neither steers one nor quotes a key.
import { afterEach, describe, expect, it } from 'vitest';
import { openExchange } from '#brokers/ccxt/exchange.ts';
import { handClock } from '../../support/hand-clock.ts';
import { connectTo, directoryFrom, KRAKEN } from './bench.ts';

const open: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).toReversed()) await one.close();
});

describe('words of an exchange that answers 200 to what it refuses', () => {
  it('quote no key and steer nothing, in what stands for trouble', async () => {
    const clock = handClock(Date.UTC(2026, 0, 5, 6));
    const sim = await KRAKEN.open(clock);
    open.push(sim);
    const directory = await directoryFrom(KRAKEN, sim, clock);
    const { apiKey } = KRAKEN.credentials;
    const hostile = `origin ${apiKey} is \u001b[2Jnot\u202e \u009b31m known`;
    for (let times = 0; times < 20; times++) sim.server.refuse('read', KRAKEN.refusal(hostile));
    const adapter = connectTo(KRAKEN, sim, { clock, directory });
    open.push(adapter);
    adapter.start();
    for (let turns = 0; turns < 400 && !adapter.health().trouble?.includes('known'); turns++) {
      await new Promise((turn) => setTimeout(turn, 1));
      await clock.advanceAsync(50);
    }
    const { trouble } = adapter.health();
    expect(trouble).toContain('known');
    expect(trouble).not.toContain(apiKey);
    expect(trouble).toMatch(/^\P{C}*$/u);
  });
});

it('a message that is broken is not written out, nor the address of its stream, which may hold a key', () => {
  const clock = handClock();
  const exchange = openExchange({
    exchange: 'binance',
    kind: 'spot',
    testnet: false,
    credentials: {},
    clock,
  });
  open.push({ close: async () => exchange.close() });
  const written: unknown[] = [];
  const { log } = console;
  console.log = (...words: readonly unknown[]) => void written.push(words);
  try {
    const socket = exchange.ccxt.client('wss://127.0.0.1/ws/canary-listen-key');
    socket.onMessage({ data: '{"e":"canary-order' });
    expect(written).toEqual([]);
  } finally {
    console.log = log;
  }
});
