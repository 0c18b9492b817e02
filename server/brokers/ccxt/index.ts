/** Any exchange that ccxt knows, by its id: coins and linear perpetuals. Nothing of ccxt is loaded before such an account is connected. */
import { defineBroker } from '#brokers/broker.ts';
import { connectCcxt } from './adapter.ts';
import { LEAST_CAPABILITIES } from './capabilities.ts';
import { directoryOf } from './listings.ts';
import { listExchanges } from './load.ts';
import { ccxtCredentials, ccxtSettings } from './settings.ts';

export const ccxt = defineBroker({
  id: 'ccxt',
  label: 'Crypto exchange (ccxt)',
  modes: ['paper', 'live'],
  capabilities: LEAST_CAPABILITIES,
  settings: ccxtSettings,
  credentials: ccxtCredentials,
  fields: [
    {
      name: 'exchange',
      label: 'Exchange',
      kind: 'setting',
      hint: 'Its id, like binance, kraken or bybit. A paper account is one on the exchange’s own testnet.',
      get options() {
        return listExchanges();
      },
    },
    {
      name: 'kind',
      label: 'What it trades',
      kind: 'setting',
      hint: 'Coins (spot), or linear perpetuals (swap). One account trades one of them.',
      options: ['spot', 'swap'],
    },
    {
      name: 'currency',
      label: 'Currency',
      kind: 'setting',
      hint: 'What everything is traded against, like USD, EUR or USDT; of perpetuals what they are settled in.',
    },
    { name: 'apiKey', label: 'API key', kind: 'credential', optional: true },
    {
      name: 'secret',
      label: 'API secret',
      kind: 'credential',
      hint: 'Of a key that may read and trade. One that may withdraw is refused where the exchange tells.',
      optional: true,
    },
    {
      name: 'password',
      label: 'API passphrase',
      kind: 'credential',
      hint: 'Where the exchange gave one.',
      optional: true,
    },
    {
      name: 'uid',
      label: 'User id',
      kind: 'credential',
      hint: 'Where the exchange asks for one.',
      optional: true,
    },
    {
      name: 'walletAddress',
      label: 'Wallet address',
      kind: 'credential',
      hint: 'Of a decentralised exchange.',
      optional: true,
    },
    {
      name: 'privateKey',
      label: 'Private key',
      kind: 'credential',
      hint: 'Of an agent wallet that can trade and not withdraw, where the exchange has such.',
      optional: true,
    },
  ],
  directory: ({ exchange }, mode) => directoryOf(exchange, mode === 'paper'),
  currency: ({ currency }) => currency,
  connect: connectCcxt,
});
