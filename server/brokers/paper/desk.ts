/** The books of one account, held in memory and changed in transactions: nothing is answered or told before it is durable. */
import { money, ONE } from '#domain/decimal.ts';
import type { Instrument, InstrumentId } from '#domain/instrument.ts';
import type { AccountId } from '#domain/principal.ts';
import { BUILT_IN } from '#market/master.ts';
import type { BrokerEvent, MarketFeed } from '#ports.ts';
import type { Store } from '#store/open.ts';
import { type Book, emptyChanges, emptyState, end } from './book.ts';
import { deposit, settle } from './posting.ts';
import type { PaperRules, PaperSettings } from './settings.ts';
import type { PaperTables } from './tables.ts';

export class PaperError extends Error {}

export interface DeskOptions {
  readonly account: AccountId;
  readonly settings: PaperSettings;
  readonly rules: PaperRules;
  readonly store: Store;
  readonly market: Pick<MarketFeed, 'nowMs' | 'run'> & {
    /** undefined: not of this market. */
    readonly instrument: (id: InstrumentId) => Instrument | undefined;
  };
  readonly currency: string;
}

export type Work<T> = (book: Book) => T;

export interface Desk {
  /** Runs an operation of its own: transaction, books, events. */
  change<T>(work: Work<T>): T;
  /** Runs the operation of a step, after what is owed. */
  step(work: Work<void>): void;
  /** Keeps an operation that could not be stored for the next step that can. */
  owe(work: Work<void>): void;
  read<T>(work: Work<T>): T;
}

/** Holds the books in memory, and reads them again whenever what they say may not have been committed. */
export function openDesk(
  options: DeskOptions,
  tables: PaperTables,
  send: (events: readonly BrokerEvent[]) => void,
): Desk {
  const { store, market } = options;
  let book: Book | undefined;
  let owed: Work<void>[] = [];

  const books = (): Book => (book ??= loadBook(options, tables));
  function run<T>(work: Work<T>): T {
    const current = books();
    // Until the commit the database is right and memory is not: a rollback leaves nothing of this behind.
    book = undefined;
    const value = work(current);
    tables.save(current);
    const { events } = current.changes;
    current.changes = emptyChanges();
    store.afterCommit(() => {
      book = current;
      if (events.length > 0 || options.rules.faults !== null) send(events);
    });
    return value;
  }
  function stamp(current: Book): void {
    current.moment = { timeMs: market.nowMs(), run: market.run() };
  }

  const desk: Desk = {
    change: (work) =>
      store.transaction(() =>
        run((current) => {
          stamp(current);
          return work(current);
        }),
      ),
    step(work) {
      const settled = owed;
      store.transaction(() =>
        run((current) => {
          if (settled.length > 0) stamp(current);
          for (const one of settled) one(current);
          work(current);
        }),
      );
      if (settled.length > 0) store.afterCommit(() => (owed = owed.filter((one) => !settled.includes(one))));
    },
    owe: (work) => void owed.push(work),
    read: (work) => work(books()),
  };
  if (tables.state() === undefined) desk.change((current) => deposit(current, money(options.settings.cash)));
  else desk.change((current) => leaveBehind(current));
  return desk;
}

function loadBook(options: DeskOptions, tables: PaperTables): Book {
  const state = tables.state() ?? emptyState(options.currency);
  if (state.currency !== options.currency) {
    throw new PaperError(
      `The paper account ${options.account} holds ${state.currency} and the tape is in ${options.currency}: remove the account or start with another data folder.`,
    );
  }
  return {
    accountType: options.settings.accountType,
    rules: options.rules,
    seed: options.settings.seed,
    instrument: options.market.instrument,
    state,
    open: new Map(tables.openOrders().map((order) => [order.number, order])),
    reserved: undefined,
    touched: new Set(),
    changes: emptyChanges(),
    moment: { timeMs: 0, run: 0 },
  };
}

/** Another tape than last time: what the account worked and held in the old one can never trade again, so it ends now. */
function leaveBehind(book: Book): void {
  for (const order of book.open.values()) {
    if (book.instrument(order.instrument) === undefined)
      end(book, order, 'canceled', 'its tape is no longer played');
  }
  for (const [id, position] of book.state.positions) {
    if (book.instrument(id) !== undefined || position.lastPrice === null) continue;
    settle(book, id, position.lastPrice, {
      multiplier: BUILT_IN.find((one) => one.id === id)?.multiplier ?? ONE,
      detail: 'its tape is no longer played: settled at the price of its last fill',
    });
  }
}
