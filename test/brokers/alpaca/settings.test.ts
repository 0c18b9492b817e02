/** Where an Alpaca account leads, and what its owner may say of it. */
import { expect, it } from 'vitest';
import { alpaca } from '#brokers/alpaca/index.ts';
import { hostsOf } from '#brokers/alpaca/settings.ts';

const settings = (given: object = {}) => alpaca.settings.parse(given);

it('leads to the hosts of its mode, encrypted, unless a simulator on this machine takes their place', () => {
  expect(hostsOf('paper', settings())).toEqual({
    trading: 'https://paper-api.alpaca.markets',
    data: 'https://data.alpaca.markets',
    orderStream: 'wss://paper-api.alpaca.markets/stream',
    priceStreams: 'wss://stream.data.alpaca.markets',
  });
  expect(hostsOf('live', settings())).toMatchObject({
    trading: 'https://api.alpaca.markets',
    orderStream: 'wss://api.alpaca.markets/stream',
  });
  expect(hostsOf('live', settings({ endpoints: 'http://127.0.0.1:9000/' }))).toEqual({
    trading: 'http://127.0.0.1:9000',
    data: 'http://127.0.0.1:9000',
    orderStream: 'ws://127.0.0.1:9000/stream',
    priceStreams: 'ws://127.0.0.1:9000',
  });
});

it.each([
  ['another machine', { endpoints: 'https://api.alpaca.markets.example' }],
  ['a plain connection to another machine', { endpoints: 'http://10.0.0.1' }],
  ['a name before the address', { endpoints: 'http://127.0.0.1@example.com' }],
  ['a feed that is not known', { data_feed: 'otc' }],
  ['a setting that is not known', { endpoint: 'http://127.0.0.1:9000' }],
])('refuses %s', (_, given) => {
  expect(alpaca.settings.safeParse(given).success).toBe(false);
});

it.each([
  [{ key_id: 'PKSIMULATED000000001', secret_key: 'a secret with spaces in it' }],
  [{ key_id: 'PK', secret_key: 'simulated-secret-of-forty-characters-000' }],
  [{ key_id: 'PKSIMULATED000000001' }],
  [{ key_id: 'PKSIMULATED000000001', secret_key: 'simulated-secret\r\nX-Header: 1' }],
])('refuses credentials that can be none (%#)', (given) => {
  expect(alpaca.credentials.safeParse(given).success).toBe(false);
});

it('asks for nothing that it does not take, and holds dollars alone', () => {
  for (const { name, kind } of alpaca.fields) {
    const shape = kind === 'credential' ? alpaca.credentials.shape : alpaca.settings.shape;
    expect(Object.keys(shape)).toContain(name);
  }
  expect(alpaca.currency(settings())).toBe('USD');
});
