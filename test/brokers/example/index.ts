/** An exchange that does not exist, whole: what docs/writing-a-broker.md builds. It is in tests alone, and in no list of brokers. */
import { defineBroker } from '#brokers/broker.ts';
import { connectExample, EXAMPLE_CAPABILITIES } from './adapter.ts';
import { DIRECTORY } from './listings.ts';
import { EXAMPLE_FIELDS, exampleCredentials, exampleSettings } from './settings.ts';

export const example = defineBroker({
  id: 'example',
  label: 'Example Exchange',
  modes: ['paper', 'live'],
  capabilities: EXAMPLE_CAPABILITIES,
  settings: exampleSettings,
  credentials: exampleCredentials,
  fields: EXAMPLE_FIELDS,
  directory: () => DIRECTORY,
  currency: () => 'USD',
  connect: connectExample,
});
