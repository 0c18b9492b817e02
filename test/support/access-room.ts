/** The access room on a real store and a real record in a folder of its own, with a hand-turned clock; it can be restarted. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Access, type AccessOptions, openAccess } from '#access/access.ts';
import { type AuditLog, openAuditLog } from '#audit/log.ts';
import type { Refusal } from '#domain/refusal.ts';
import type { Result } from '#domain/result.ts';
import { instrumentBook } from '#market/instrument-book.ts';
import { BUILT_IN } from '#market/master.ts';
import { scopedSymbols } from '#market/scoped-symbols.ts';
import { type Keyring, openKeyring } from '#store/keyring.ts';
import { openStore, type Store } from '#store/open.ts';
import { type HandClock, handClock } from './hand-clock.ts';

export interface AuditLine {
  readonly kind: string;
  readonly agent: string | null;
  readonly credential: string | null;
  readonly outcome: string;
  readonly detail: Readonly<Record<string, unknown>> | null;
}

export interface AccessRoom {
  readonly clock: HandClock;
  readonly store: Store;
  readonly keyring: Keyring;
  readonly audit: AuditLog;
  readonly access: Access;
  /** Every recorded event, those that wait included; `kind` keeps the ones of that kind. */
  events(kind?: string): readonly AuditLine[];
  /** The bytes of the database and the record, to look for what must not be in them. */
  everythingWritten(): string;
  /** Ends the process in thought: nothing is saved that was not, and a new room opens on the same folder. */
  restart(options?: { readonly wallMs?: number }): AccessRoom;
  close(): void;
}

const CURRENCIES: ReadonlyMap<string, string> = new Map([
  ['paper', 'USD'],
  ['second', 'USD'],
  ['euros', 'EUR'],
]);

export function accessRoom(options: Partial<AccessOptions> = {}, startMs?: number): AccessRoom {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-access-'));
  return openRoom(folder, handClock(startMs), options);
}

function openRoom(folder: string, clock: HandClock, options: Partial<AccessOptions>): AccessRoom {
  const store = openStore(join(folder, 'data'));
  const keyring = openKeyring(join(folder, 'keys'));
  const audit = openAuditLog({ store, clock, keyring, folder: join(folder, 'log') });
  const access = openAccess({
    store,
    audit,
    clock,
    keyring,
    timezone: 'UTC',
    instruments: scopedSymbols(instrumentBook(BUILT_IN)),
    accounts: { currencyOf: (id) => CURRENCIES.get(id) },
    ...options,
  });
  return {
    clock,
    store,
    keyring,
    audit,
    access,
    events(kind) {
      audit.flush();
      const lines = store.db
        .prepare('SELECT line FROM audit ORDER BY seq')
        .pluck()
        .all() as readonly string[];
      const events = lines.map((line) => JSON.parse(line) as AuditLine);
      return kind === undefined ? events : events.filter((event) => event.kind === kind);
    },
    everythingWritten() {
      audit.flush();
      store.db.pragma('wal_checkpoint(TRUNCATE)');
      const log = readFileSync(join(folder, 'log', 'audit.jsonl'), 'latin1');
      return readFileSync(store.path, 'latin1') + log;
    },
    restart(how = {}) {
      audit.close();
      store.close();
      const next = handClock(how.wallMs ?? clock.wallMs());
      return openRoom(folder, next, options);
    },
    close() {
      audit.close();
      store.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The value, or a failure that says why it was refused. */
export function granted<T>(result: Result<T, Refusal>): T {
  if (!result.ok) throw new Error(`refused: ${result.error.reason}: ${result.error.detail}`);
  return result.value;
}

/** The refusal, or a failure because there was none. */
export function refused<T>(result: Result<T, Refusal>): Refusal {
  if (result.ok) throw new Error('it was granted');
  return result.error;
}

/** The file of DESIGN.md, section 5. */
export const MANDATE = {
  accounts: ['paper'],
  symbols: ['SPX', 'BTC/USD'],
  sides: ['buy', 'sell'],
  may_reduce: 'own',
  order_types: ['market', 'limit', 'stop', 'stop_limit', 'trailing_stop'],
  allow_short: false,
  max_order_qty: '100',
  max_order_value: '10000',
  max_daily_value: '50000',
  max_daily_orders: 50,
  max_daily_loss: '500',
  max_open_orders: 10,
  max_gross_exposure: '50000',
  trading_hours: 'any',
  expires_at: '2027-01-01T00:00:00Z',
  commit: 'two_step',
  approval: { above: '2000' },
} as const;
