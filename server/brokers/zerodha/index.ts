/** Zerodha, through Kite Connect v3: shares, futures and options of NSE and BSE; live only, since Kite has no sandbox. */
import { defineBroker } from '#brokers/broker.ts';
import { connectZerodha, ZERODHA_CAPABILITIES } from './adapter.ts';
import { ZERODHA_DIRECTORY } from './dump.ts';
import { withoutSession } from './memory.ts';
import { zerodhaCredentials, zerodhaSettings } from './settings.ts';

export const zerodha = defineBroker({
  id: 'zerodha',
  label: 'Zerodha (Kite Connect)',
  modes: ['live'],
  capabilities: ZERODHA_CAPABILITIES,
  settings: zerodhaSettings,
  credentials: zerodhaCredentials,
  fields: [
    { name: 'api_key', label: 'API key', kind: 'credential', hint: 'Of your app at developers.kite.trade.' },
    { name: 'api_secret', label: 'API secret', kind: 'credential' },
    {
      name: 'equity_product',
      label: 'Shares are held as',
      kind: 'setting',
      options: ['cnc', 'mis'],
      hint: 'Where an order names no product: cnc is delivery, mis is intraday.',
      optional: true,
    },
    {
      name: 'derivatives_product',
      label: 'Futures and options are held as',
      kind: 'setting',
      options: ['nrml', 'mis'],
      optional: true,
    },
    {
      name: 'after_market',
      label: 'After-market orders',
      kind: 'setting',
      options: ['no', 'yes'],
      hint: 'yes: what is sent while the exchange is closed waits for its next opening.',
      optional: true,
    },
  ],
  directory: () => ZERODHA_DIRECTORY,
  currency: () => 'INR',
  keeps: withoutSession,
  connect: connectZerodha,
});
