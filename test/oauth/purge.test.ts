/** The dead rows of the authorization server go by themselves, and a store that takes nothing only delays them. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { OAUTH_PURGE_INTERVAL_MS } from '#limits.ts';
import { payloadTable } from '#oauth/payload-table.ts';
import { openPurge, type Purge } from '#oauth/purge.ts';
import { openStore, type Store } from '#store/open.ts';
import { type HandClock, handClock } from '../support/hand-clock.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

let store: Store;
let clock: HandClock;
let purge: Purge;
let epoch: number;
const faults: unknown[] = [];

beforeEach(() => {
  store = openStore(temporaryFolder());
  clock = handClock();
  epoch = 1;
  const wall = Object.assign(() => clock.wallMs(), { hasPassed: (atMs: number) => clock.wallMs() >= atMs });
  const access = { epoch: () => epoch, wall };
  purge = openPurge({ store, clock, access, table: payloadTable(store), onFault: (one) => faults.push(one) });
});
afterEach(() => {
  purge.close();
  store.close();
});

const keep = (id: string, livesMs: number): void =>
  store.transaction(() =>
    payloadTable(store).put({
      kind: 'Session',
      id,
      payload: '{}',
      grant_id: null,
      client_id: null,
      uid: null,
      address: null,
      epoch,
      expires_at: clock.wallMs() + livesMs,
    }),
  );
const kept = (): readonly unknown[] =>
  store.db.prepare('SELECT id FROM oauth_payloads ORDER BY id').pluck().all();

test('at the start what is dead by then goes, and within an hour what dies later', () => {
  keep('a', 0);
  keep('b', 1);
  keep('c', OAUTH_PURGE_INTERVAL_MS + 1);
  purge.start();
  expect(kept()).toEqual(['b', 'c']);
  clock.advance(OAUTH_PURGE_INTERVAL_MS - 1);
  expect(kept()).toEqual(['b', 'c']);
  clock.advance(1);
  expect(kept()).toEqual(['c']);
  epoch = 2;
  clock.advance(OAUTH_PURGE_INTERVAL_MS);
  expect(kept()).toEqual([]);
});

test('a store that takes nothing is asked again an hour later, and nobody hears of it', () => {
  keep('a', 0);
  store.db.pragma('query_only = ON');
  purge.start();
  store.db.pragma('query_only = OFF');
  expect(kept()).toEqual(['a']);
  clock.advance(OAUTH_PURGE_INTERVAL_MS);
  expect([kept(), faults]).toEqual([[], []]);
});

test('after its end nothing more is deleted', () => {
  purge.start();
  purge.close();
  keep('a', 0);
  clock.advance(2 * OAUTH_PURGE_INTERVAL_MS);
  expect(kept()).toEqual(['a']);
});
