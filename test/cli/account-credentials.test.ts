// Credentials on the command line: from a file for its owner alone, in either form; and no complaint repeats what is in it.

import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { addressFrom, brokersInWords, credentialsFrom, settingsFrom } from '#cli/account-credentials.ts';
import type { Invocation } from '#cli/command.ts';
import { wallClock } from '#clock.ts';
import { loopback } from '../support/loopback-broker.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const invocation = (path: string | undefined): Invocation => ({
  words: [],
  text: (option) => (option === 'credentials-file' ? path : undefined),
  texts: () => [],
  flag: () => false,
  terminal: { say: () => undefined, warn: () => undefined, isTty: false },
  clock: wallClock,
  config() {
    throw new Error('no settings are needed');
  },
});
function file(content: string, mode = 0o600): string {
  const path = join(temporaryFolder(), 'keys');
  writeFileSync(path, content);
  chmodSync(path, mode);
  return path;
}
const read = (path: string | undefined) => credentialsFrom(invocation(path), loopback);

it.each([
  ['{"key": "canary-1", "secret": "canary=2"}'],
  ['# of March\nkey=canary-1\n\n  export SECRET="canary=2"  \r\n'],
  ["KEY = 'canary-1'\nsecret=canary=2"],
])('reads %j', async (content) => {
  expect(await read(file(content))).toEqual({ key: 'canary-1', secret: 'canary=2' });
});

it.each([
  ['{"key": "canary-1"', /neither a JSON object nor lines/],
  ['{"key": 7}', /a value in it that is no text/],
  ['key=canary-1\ncanary-2', /no NAME=VALUE in line 2/],
  ['canary-name=x', /a name in it that is none of key, secret/],
  ['key=canary-1\nKEY=canary-2', /names key more than once/],
])('refuses %j without repeating it', async (content, why) => {
  const refused = read(file(content));
  await expect(refused).rejects.toThrow(why);
  await expect(refused).rejects.not.toThrow(/canary/);
});

it('refuses a file that others can read, and one that is not there', async () => {
  await expect(read(file('key=canary-1', 0o644))).rejects.toThrow(/can be read by other users \(mode 644\)/);
  await expect(read('/nowhere/canary')).rejects.toThrow('The file of --credentials-file is not there.');
});

it('says what is needed where nobody can be asked', async () => {
  await expect(read(undefined)).rejects.toThrow(/give it --credentials-file FILE with key, secret/);
});

it('takes a setting once, by its name, and lists what each broker asks for', () => {
  expect(settingsFrom(['endpoint=http://127.0.0.1:1/?a=b', 'endpoints.rest=x'])).toEqual({
    endpoint: 'http://127.0.0.1:1/?a=b',
    'endpoints.rest': 'x',
  });
  expect(() => settingsFrom(['desk'])).toThrow('--set takes NAME=VALUE.');
  expect(() => settingsFrom(['desk=a', 'desk=b'])).toThrow('more than once');
  const words = brokersInWords([loopback]);
  expect(words).toContain('loopback: Loopback; paper or live');
  expect(words).toContain('--set: endpoint; desk (main, other), optional');
});

it('takes the address of a sign-in from a file for its owner alone, and asks nobody who is not there', async () => {
  const address = 'http://127.0.0.1:7800/admin/accounts/kite/sign-in?state=canary-1&request_token=canary-2';
  const from = (options: Readonly<Record<string, string>>) =>
    addressFrom({ ...invocation(undefined), text: (option) => options[option] });
  expect(await from({ 'token-file': file(`${address}\n`) })).toBe(address);
  expect(await from({ token: address })).toBe(address);
  const seen = from({ 'token-file': file(address, 0o644) });
  await expect(seen).rejects.toThrow('The file of --token-file can be read by other users (mode 644)');
  await expect(seen).rejects.not.toThrow(/canary/);
  await expect(from({ token: address, 'token-file': 'x' })).rejects.toThrow('not both');
  await expect(from({})).rejects.toThrow('run it in a terminal, or give it --token-file FILE');
});
