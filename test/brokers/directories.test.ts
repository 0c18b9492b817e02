// Two brokers may list the same symbol: the ids of their instruments never meet, or one list would keep the other from being read.
import { expect, it } from 'vitest';
import { directoryOf, idOf } from '#brokers/ccxt/listings.ts';
import { listExchanges } from '#brokers/ccxt/load.ts';
import { BROKERS } from '#brokers/index.ts';
import { BUILT_IN } from '#market/master.ts';

const listOf = (id: string): string => id.slice(0, id.indexOf(':'));

it('no exchange of ccxt lists instruments under the name of a broker, of the built-in list or of another exchange', () => {
  const taken = [...BROKERS.map(({ id }) => id.toUpperCase()), ...BUILT_IN.map(({ id }) => listOf(id))];
  const names = listExchanges().flatMap((exchange) =>
    [false, true].map((testnet) => listOf(idOf(directoryOf(exchange, testnet), 'BTC/USD'))),
  );
  expect(names.filter((name) => taken.includes(name))).toEqual([]);
  expect(new Set(names).size).toBe(names.length);
});
