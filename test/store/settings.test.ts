/** Settings by name: read as written, and part of the transaction that sets them. */
import { expect, test } from 'vitest';
import { openStore } from '#store/open.ts';
import { settings } from '#store/settings.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

test('a setting is what was last set, undefined when never', () => {
  const store = openStore(temporaryFolder());
  const values = settings(store);
  expect(values.get('nothing')).toBeUndefined();
  expect(values.get('authority_epoch')).toBe('1');
  values.set('authority_epoch', '2');
  values.set('new', '');
  expect(settings(store).get('authority_epoch')).toBe('2');
  expect(values.get('new')).toBe('');
});

test('settings under a prefix are told by what follows, and none that only looks like it', () => {
  const values = settings(openStore(temporaryFolder()));
  for (const name of ['config:B', 'config:A', 'configuration', 'xconfig:C', 'CONFIG:D'])
    values.set(name, '1');
  expect([...values.under('config:')]).toEqual([
    ['A', '1'],
    ['B', '1'],
  ]);
  values.remove('config:A');
  expect([...values.under('config:').keys()]).toEqual(['B']);
  expect(values.get('configuration')).toBe('1');
});

test('a setting is rolled back with its transaction', () => {
  const store = openStore(temporaryFolder());
  const values = settings(store);
  const attempt = (): void =>
    store.transaction(() => {
      values.set('trading_state', 'HALTED');
      throw new Error('no');
    });
  expect(attempt).toThrow('no');
  expect(values.get('trading_state')).toBe('ACTIVE');
});
