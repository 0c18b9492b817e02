/** Alpaca: US shares and crypto, paper and live, over a client of our own. */
import { defineBroker } from '#brokers/broker.ts';
import { ALPACA_CAPABILITIES, connectAlpaca } from './adapter.ts';
import { DIRECTORY } from './listings.ts';
import { ALPACA_FIELDS, alpacaCredentials, alpacaSettings } from './settings.ts';

export const alpaca = defineBroker({
  id: 'alpaca',
  label: 'Alpaca',
  modes: ['paper', 'live'],
  capabilities: ALPACA_CAPABILITIES,
  settings: alpacaSettings,
  credentials: alpacaCredentials,
  fields: ALPACA_FIELDS,
  directory: () => DIRECTORY,
  currency: () => 'USD',
  connect: connectAlpaca,
});
