/** `portcullis market`: the lists of instruments that brokers give, and bars of their instruments. */
import { z } from 'zod';
import { isDecimalText, price, quantity, text } from '#domain/decimal.ts';
import { BUILT_IN_DIRECTORY, defineInstrument, type InstrumentInput } from '#domain/instrument.ts';
import { fieldError, refuse } from '#domain/refusal.ts';
import { err, ok } from '#domain/result.ts';
import { BARS_PER_IMPORT_MAX } from '#limits.ts';
import { openBarStore } from '#market/bar-store.ts';
import { instrumentInput } from '#market/instrument-facts.ts';
import { loadTape, type Tape, TapeError } from '#market/tape.ts';
import { TIMEFRAMES } from '#ports.ts';
import { scopesOf } from './account-scopes.ts';
import { ownerAct } from './act.ts';
import { ask } from './ask.ts';
import { CommandError, defineCommand, JSON_OPTION, UsageError } from './command.ts';
import type { Office } from './office.ts';
import { iso, isoOrNull, printObject, printTable } from './print.ts';

const scopes = (office: Office): readonly string[] => [
  BUILT_IN_DIRECTORY,
  ...scopesOf(
    office,
    office.accounts.list().map(({ id }) => id),
  ).filter((scope) => scope !== BUILT_IN_DIRECTORY),
];

const status = ownerAct({
  name: 'market.status',
  input: z.strictObject({}),
  work: (office) =>
    ok({
      directories: office.listings.states().map(({ directory, refreshedAtMs, listed, fault }) => ({
        directory,
        listed,
        refreshed_at: isoOrNull(refreshedAtMs),
        fault,
      })),
      feeds: [...(office.engine?.live() ?? [])].map(([name, { feed, directory }]) => {
        const { silentMs, down, followed } = feed.health();
        return { name, directory, followed, silent_ms: silentMs, down };
      }),
      bars: openBarStore(office.store, office.clock)
        .summary()
        .map(({ firstMs, lastMs, ...rest }) => ({ ...rest, first: iso(firstMs), last: iso(lastMs) })),
    }),
});

const refresh = ownerAct({
  name: 'market.refresh',
  input: z.strictObject({ account: z.string().optional() }),
  async work({ engine }, { account }) {
    if (engine === undefined)
      return err(refuse('broker_unavailable', 'The gateway is stopped: lists are read while it runs.'));
    const wanted = [...engine.live()].filter(([name]) => account === undefined || name === account);
    if (wanted.length === 0)
      return err(
        refuse(
          'not_found',
          account === undefined
            ? 'No account trades on a market with a list of its own.'
            : `${account} has no market with a list of its own.`,
        ),
      );
    const outcomes = await Promise.all(wanted.map(([, live]) => live.list.refresh()));
    return ok({ outcomes });
  },
});

/** What the file is the bars of, for whoever reads it: the command, not the engine, which has orders to carry. */
export const instrumentAct = ownerAct({
  name: 'market.instrument',
  input: z.strictObject({ symbol: z.string().max(80) }),
  work(office, { symbol }) {
    const found = office.book.resolve(symbol, scopes(office));
    return found.ok ? ok({ instrument: instrumentInput(found.value) }) : found;
  },
});

const DECIMAL = z.string().max(40).refine(isDecimalText, 'a decimal string');
const BARS = z
  .array(z.tuple([z.int(), DECIMAL, DECIMAL, DECIMAL, DECIMAL, DECIMAL.nullable()]))
  .min(1)
  .max(BARS_PER_IMPORT_MAX);

const importAct = ownerAct({
  name: 'market.import',
  input: z.strictObject({
    instrument: z.string().max(80),
    timeframe: z.enum(TIMEFRAMES),
    bars: BARS,
    /** The whole of what is imported: with its last part, all of it is known. */
    known: z.strictObject({ from: z.int(), to: z.int() }).optional(),
  }),
  work(office, { instrument, timeframe, bars, known }) {
    const found = office.book.resolve(instrument, scopes(office));
    if (!found.ok) return found;
    if (office.book.builtIn().includes(found.value)) {
      const rule = 'an instrument of a broker: the bars of a tape are those of its file';
      return err(
        refuse('invalid_input', `Nothing was imported: it must be ${rule}.`, {
          errors: [fieldError('symbol', instrument, rule)],
        }),
      );
    }
    const made = bars.map(([timeMs, open, high, low, close, volume]) => ({
      timeMs,
      open: price(open),
      high: price(high),
      low: price(low),
      close: price(close),
      volume: volume === null ? null : quantity(volume),
    }));
    openBarStore(office.store, office.clock).importBars(found.value.id, timeframe, {
      bars: made,
      ...(known === undefined ? {} : { known: { fromMs: known.from, toMs: known.to } }),
    });
    return ok({ imported: made.length });
  },
});

type Row = z.input<typeof BARS>[number];

function rowsOf(tape: Tape): readonly Row[] {
  const rows: Row[] = [];
  for (let index = 0; index < tape.length; index++) {
    const { timeMs, open, high, low, close, volume, traded } = tape.bar(index);
    if (traded) rows.push([timeMs, text(open), text(high), text(low), text(close), volume && text(volume)]);
  }
  return rows;
}

function readBars(file: string, input: InstrumentInput): Tape {
  try {
    return loadTape({ file, instrument: defineInstrument(input) });
  } catch (cause) {
    if (cause instanceof TapeError) throw new CommandError(cause.message);
    throw cause;
  }
}

export const market = defineCommand({
  name: 'market',
  summary: 'Lists of instruments that brokers give, and bars of their instruments.',
  verbs: {
    status: {
      summary: 'Shows the lists, the live feeds and the bars that are stored.',
      words: [],
      options: JSON_OPTION,
      act: status,
      async run(invocation) {
        const found = await ask(invocation, status, {});
        if (invocation.flag('json')) {
          printObject(invocation, found);
          return 0;
        }
        printTable(
          invocation,
          found.directories.map((one) => ({
            LIST: one.directory,
            INSTRUMENTS: one.listed,
            READ: one.refreshed_at,
            FAULT: one.fault,
          })),
          'No broker has given a list of instruments yet.',
        );
        const { terminal } = invocation;
        for (const { name, followed, silent_ms, down } of found.feeds)
          terminal.say(
            `Feed of ${name}: ${followed} followed, ${silent_ms === null ? 'nothing to be heard' : `last heard ${Math.round(silent_ms / 1_000)} s ago`}${down ? ', DOWN' : ''}.`,
          );
        for (const { instrument, timeframe, bars, first, last } of found.bars)
          terminal.say(`Bars of ${instrument}, ${timeframe}: ${bars}, ${first} to ${last}.`);
        return 0;
      },
    },
    refresh: {
      summary: 'Reads the list of instruments of an account’s broker now, or of all.',
      words: [],
      options: {
        account: {
          type: 'string',
          value: 'ACCOUNT',
          about: 'the account whose list it is; all when left out',
        },
        ...JSON_OPTION,
      },
      act: refresh,
      async run(invocation) {
        const account = invocation.text('account');
        const { outcomes } = await ask(invocation, refresh, account === undefined ? {} : { account });
        if (invocation.flag('json')) printObject(invocation, { outcomes });
        else
          for (const outcome of outcomes)
            invocation.terminal.say(
              outcome.kind === 'refreshed'
                ? `${outcome.directory}: ${outcome.listed} instruments, ${outcome.changed} new or changed, ${outcome.left} left the list.`
                : `${outcome.directory}: not read; ${outcome.fault}.`,
            );
        return outcomes.some(({ kind }) => kind === 'failed') ? 1 : 0;
      },
    },
    import: {
      summary: 'Stores bars of an instrument from a CSV file: time_ms,open,high,low,close,volume.',
      words: ['SYMBOL'],
      options: {
        timeframe: { type: 'string', value: 'T', about: `one of ${TIMEFRAMES.join(', ')}` },
        file: { type: 'string', value: 'F', about: 'the CSV file' },
        ...JSON_OPTION,
      },
      act: importAct,
      async run(invocation) {
        const [symbol = ''] = invocation.words;
        const file = invocation.text('file');
        const timeframe = TIMEFRAMES.find((one) => one === invocation.text('timeframe'));
        if (file === undefined || timeframe === undefined)
          throw new UsageError(`Say --file F and --timeframe, one of ${TIMEFRAMES.join(', ')}.`);
        const { instrument } = await ask(invocation, instrumentAct, { symbol });
        const tape = readBars(file, instrument);
        if (tape.timeframe !== timeframe)
          throw new CommandError(
            `Nothing was imported: the bars of ${file} are ${tape.timeframe}, not ${timeframe}.`,
          );
        const rows = rowsOf(tape);
        const known = { from: tape.bar(0).timeMs, to: tape.bar(tape.length - 1).endMs };
        for (let from = 0; from < rows.length; from += BARS_PER_IMPORT_MAX) {
          const bars = rows.slice(from, from + BARS_PER_IMPORT_MAX);
          const isLast = from + bars.length === rows.length;
          const { id } = instrument;
          await ask(invocation, importAct, { instrument: id, timeframe, bars, ...(isLast ? { known } : {}) });
        }
        if (invocation.flag('json'))
          printObject(invocation, { instrument: instrument.id, imported: rows.length });
        else invocation.terminal.say(`${rows.length} bars of ${instrument.id} are stored.`);
        return 0;
      },
    },
  },
});
