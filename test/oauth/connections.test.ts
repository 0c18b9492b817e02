// How far a connection came is told step by step, and a crowd of strangers costs next to nothing.

import { describe, expect, it, onTestFinished } from 'vitest';
import {
  CONNECTION_ADDRESSES_MAX,
  CONNECTION_ADDRESSES_NEW_MAX,
  CONNECTION_ADDRESSES_NEW_WINDOW_MS,
  CONNECTION_KEPT_MS,
  CONNECTION_OUTCOME_LENGTH_MAX,
  CONNECTION_REPEATS_DELAY_MS,
  CONNECTION_SAVE_DELAY_MS,
} from '#limits.ts';
import { openConnectionLog } from '#oauth/connections.ts';
import { fingerprint } from '#oauth/fingerprint.ts';
import type { Connection } from '#oauth/records.ts';
import { openStore, StoreUnavailable } from '#store/open.ts';
import { handClock } from '../support/hand-clock.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const HOST = '203.0.113.7';
const AT_HOST = `address:${HOST}`;

function room(folder = temporaryFolder()) {
  const clock = handClock();
  const store = openStore(folder);
  onTestFinished(() => store.close());
  const log = openConnectionLog({ store, clock, wallMs: () => clock.wallMs() });
  const insert = store.db.prepare(
    `INSERT INTO oauth_clients (client_id, credential, kind, name, metadata, state, asked_scopes, address, user_agent, created_at)
     VALUES (?, ?, 'registered', 'x', '{}', 'pending', '', '', '', 0)`,
  );
  let writes = 0;
  store.onBegin(() => writes++);
  return {
    clock,
    store,
    log,
    client: (id: string) => void insert.run(id, id.replace('c', 'client_c')),
    rows: (): readonly unknown[] => store.db.prepare('SELECT subject, step FROM oauth_progress').all(),
    /** Transactions that `work` began. */
    writes: (work: () => void): number => {
      const before = writes;
      work();
      return writes - before;
    },
  };
}

const told = (connection: Connection | undefined) =>
  connection?.steps.map(({ step, times, lastOutcome }) => `${step} ${times} ${lastOutcome}`);

describe('the steps of a connection', () => {
  it('are listed in the order in which a connection takes them, with how often, when and what was answered', () => {
    const { log, clock, client } = room();
    client('c1');
    log.note('token', { clientId: 'c1' }, 'invalid_grant');
    const firstAtMs = clock.wallMs();
    clock.advance(10);
    log.note('authorize', { clientId: 'c1' }, 'ok');
    log.note('token', { clientId: 'c1' }, 'ok');
    expect(told(log.of('c1'))).toEqual(['authorize 1 ok', 'token 2 ok']);
    expect(log.of('c1')?.steps[1]).toMatchObject({ firstAtMs, lastAtMs: firstAtMs + 10 });
    expect(log.of('c1')?.lastAtMs).toBe(firstAtMs + 10);
    expect(log.of('nobody')).toBeUndefined();
  });

  it('of an address that registers are its client’s from then on, and the address is no puzzle of its own', () => {
    const { log, clock, client } = room();
    log.note('challenge', { address: HOST }, 'ok');
    log.note('resource_metadata', { address: HOST }, 'ok');
    log.note('server_metadata', { address: HOST }, 'ok');
    expect(log.list(10).map(({ subject }) => subject)).toEqual([AT_HOST]);
    client('c1');
    client('c2');
    log.note('registration', { clientId: 'c1', address: HOST }, 'ok');
    log.note('registration', { clientId: 'c2', address: HOST }, 'ok');
    const all = ['challenge 1 ok', 'resource_metadata 1 ok', 'server_metadata 1 ok', 'registration 1 ok'];
    expect(told(log.of('c1'))).toEqual(all);
    expect(told(log.of('c2'))).toEqual(all);
    expect(log.list(10).map(({ subject }) => subject)).toEqual(['c1', 'c2']);
    clock.advance(1_000);
    log.note('challenge', { address: HOST }, 'ok');
    expect(log.list(10)[0]?.subject, 'a new attempt from there').toBe(AT_HOST);
  });

  it('of a client that needs no registration come together when its host fetches the token', () => {
    const { log, client } = room();
    client('c1');
    log.note('server_metadata', { address: HOST }, 'ok');
    log.note('authorize', { clientId: 'c1', address: '198.51.100.9' }, 'ok');
    expect(told(log.of('c1')), 'the browser is elsewhere').toEqual(['authorize 1 ok']);
    log.note('token', { clientId: 'c1', address: HOST }, 'ok');
    expect(told(log.of('c1'))).toEqual(['server_metadata 1 ok', 'authorize 1 ok', 'token 1 ok']);
  });

  it('of a host that looks around again with a token that it still has are its client’s once it calls', () => {
    const { log, client } = room();
    client('c1');
    log.note('challenge', { address: HOST }, 'ok');
    log.note('resource_metadata', { address: HOST }, 'ok');
    log.note('first_call', { clientId: 'c1', address: HOST }, 'unauthenticated');
    expect(log.list(10).map(({ subject }) => subject)).toContain(AT_HOST);
    log.note('first_call', { clientId: 'c1', address: HOST }, 'ok');
    expect(log.list(10).map(({ subject }) => subject)).toEqual(['c1']);
  });

  it('are not taken over from an address whose own step failed, nor from one that came long ago', () => {
    const { log, clock, client } = room();
    client('c1');
    log.note('challenge', { address: HOST }, 'ok');
    log.note('token', { clientId: 'c1', address: HOST }, 'invalid_client');
    expect(told(log.of('c1'))).toEqual(['token 1 invalid_client']);
    clock.advance(86_400_000);
    log.note('token', { clientId: 'c1', address: HOST }, 'ok');
    expect(told(log.of('c1'))).toEqual(['token 2 ok']);
  });

  it('of an id that is nobody’s are those of the address, whatever the id is called', () => {
    const { log } = room();
    log.note('authorize', { clientId: 'made up', address: HOST }, 'invalid_client');
    log.note('authorize', { clientId: 'address:198.51.100.9', address: HOST }, 'invalid_client');
    log.note('authorize', { clientId: AT_HOST, address: '198.51.100.9' }, 'invalid_client');
    log.note('authorize', { clientId: 'made up too' }, 'invalid_client');
    expect(log.list(10).map(({ subject }) => subject)).toEqual(['address:198.51.100.9', AT_HOST]);
    expect(told(log.of(AT_HOST))).toEqual(['authorize 2 invalid_client']);
  });

  it('outlive the process, and go with the client', () => {
    const folder = temporaryFolder();
    const before = room(folder);
    before.client('c1');
    before.log.note('token', { clientId: 'c1' }, 'ok');
    before.log.close();
    before.log.note('token', { clientId: 'c1' }, 'after the end');
    const after = room(folder);
    expect(told(after.log.of('c1'))).toEqual(['token 1 ok']);
    after.store.db.prepare('DELETE FROM oauth_clients').run();
    after.log.note('challenge', { address: HOST }, 'ok');
    expect(after.log.list(10).map(({ subject }) => subject)).toEqual([AT_HOST]);
  });

  it('of addresses are forgotten in time, those of clients are not', () => {
    const { log, clock, client } = room();
    client('c1');
    log.note('registration', { clientId: 'c1' }, 'ok');
    log.note('challenge', { address: HOST }, 'ok');
    clock.advance(CONNECTION_KEPT_MS + 1);
    log.note('challenge', { address: '198.51.100.1' }, 'ok');
    expect(log.list(10).map(({ subject }) => subject)).toEqual(['address:198.51.100.1', 'c1']);
  });
});

describe('what it costs', () => {
  it('is one write for a hundred steps, a second after the first, and news is told then', () => {
    const { log, clock, client, writes } = room();
    client('c1');
    let news = 0;
    log.onNews(() => news++);
    const noted = writes(() => {
      for (let n = 0; n < 100; n++) log.note('authorize', { clientId: 'c1', address: HOST }, 'ok');
    });
    expect([noted, news]).toEqual([0, 0]);
    expect(writes(() => clock.advance(CONNECTION_SAVE_DELAY_MS))).toBe(1);
    expect(news).toBe(1);
  });

  it('of a host that calls all day is a write a minute, and no news', () => {
    const { log, clock, client, writes } = room();
    client('c1');
    log.note('first_call', { clientId: 'c1' }, 'ok');
    clock.advance(CONNECTION_SAVE_DELAY_MS);
    let news = 0;
    log.onNews(() => news++);
    const calls = 5_000;
    const written = writes(() => {
      for (let n = 0; n < calls; n++) {
        log.note('first_call', { clientId: 'c1' }, 'ok');
        clock.advance(CONNECTION_REPEATS_DELAY_MS / 500);
      }
    });
    expect(written).toBeLessThanOrEqual(11);
    expect(news).toBe(0);
    expect(log.of('c1')?.steps[0]?.times).toBe(calls + 1);
  });

  it('of ten thousand strangers is a few rows and a few writes', () => {
    const { log, clock, rows, writes } = room();
    const address = (n: number): string => `198.18.${n >> 8}.${n & 255}`;
    const written = writes(() => {
      for (let n = 0; n < 10_000; n++) {
        log.note('challenge', { address: address(n) }, n % 2 ? 'ok' : 'invalid_token');
        if (n % 100 === 0) clock.advance(100);
      }
    });
    expect(rows().length).toBeLessThanOrEqual(CONNECTION_ADDRESSES_NEW_MAX);
    expect(written).toBeLessThanOrEqual(2);
    const soon = writes(() => {
      for (let minute = 0; minute < 10; minute++) {
        clock.advance(CONNECTION_ADDRESSES_NEW_WINDOW_MS);
        for (let n = 0; n < 1_000; n++)
          log.note('challenge', { address: address(20_000 + minute * 1_000 + n) }, 'ok');
      }
      clock.advance(CONNECTION_SAVE_DELAY_MS);
    });
    expect(rows().length).toBeLessThanOrEqual(CONNECTION_ADDRESSES_MAX);
    expect(soon).toBeLessThanOrEqual(20);
  });

  it('of a stranger who errs now so, now so, is a write a minute; a /64 is one stranger', () => {
    const { log, clock, writes, rows } = room();
    log.note('token', { address: '2001:db8::1' }, 'invalid_client');
    clock.advance(CONNECTION_SAVE_DELAY_MS);
    const written = writes(() => {
      for (let n = 0; n < 600; n++) {
        log.note('token', { clientId: `made up ${n}`, address: `2001:db8::${n.toString(16)}` }, `error ${n}`);
        clock.advance(100);
      }
    });
    expect(written).toBe(1);
    expect(rows()).toEqual([{ subject: 'address:2001:db8:0:0', step: 'token' }]);
  });

  it('is nothing where the disk takes nothing: the steps wait, and are there when it does', () => {
    const { log, clock, store, client } = room();
    client('c1');
    const transaction = store.transaction.bind(store);
    store.transaction = () => {
      throw new StoreUnavailable('SQLITE_FULL', undefined);
    };
    log.note('token', { clientId: 'c1' }, 'ok');
    clock.advance(CONNECTION_SAVE_DELAY_MS);
    expect(log.list(10)).toEqual([]);
    store.transaction = transaction;
    clock.advance(CONNECTION_REPEATS_DELAY_MS);
    expect(told(log.of('c1'))).toEqual(['token 1 ok']);
  });

  it('of an endless error is a bounded text', () => {
    const { log, client } = room();
    client('c1');
    log.note('token', { clientId: 'c1' }, 'x'.repeat(100_000));
    expect(log.of('c1')?.steps[0]?.lastOutcome).toBe('x'.repeat(CONNECTION_OUTCOME_LENGTH_MAX));
  });
});

describe('a fingerprint', () => {
  it('is eight characters of the id alone: the same each time, another for another id', () => {
    expect(fingerprint('c1')).toMatch(/^[0-9a-f]{4}-[0-9a-f]{4}$/);
    expect(fingerprint('c1')).toBe(fingerprint('c1'));
    expect(fingerprint('c1')).not.toBe(fingerprint('c2'));
  });
});
