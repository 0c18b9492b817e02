/** The tape that paper accounts trade on: what plays, how fast, and what the next start is to play. */
import type { AccountDesk, SettingView, TapeChoice, TapeView, TapeWeighed } from '#console/desks.ts';
import type { Owner } from '#domain/principal.ts';
import { type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import { SAMPLE_SYMBOL } from '#market/tape.ts';
import { objectionToTape, tapeChosen } from './chosen-tape.ts';
import type { RunningOffice } from './office.ts';

type Acts = Pick<AccountDesk, 'tape' | 'weighTape' | 'chooseTape' | 'changeSpeed'>;

export function tapeActs(office: RunningOffice, by: Owner): Acts {
  const settings = office.settings.desk(by, objectionToTape(office));
  const save = (texts: Readonly<Record<string, string>>): Result<void, Refusal> => {
    const saved = settings.save(texts);
    return saved.ok ? ok(undefined) : saved;
  };
  return {
    tape: () => tapeView(office, settings.list()),
    weighTape: (choice) => weigh(office, choice),
    chooseTape: (choice) => save(textsOf(choice)),
    changeSpeed: (barSeconds) => save({ PAPER_BAR_SECONDS: barSeconds }),
  };
}

/** The sample says itself what it is of. */
const textsOf = ({ file, symbol }: TapeChoice) => ({
  PAPER_TAPE: file,
  PAPER_SYMBOL: file === 'sample' && symbol === SAMPLE_SYMBOL ? '' : symbol,
});

function tapeView(office: RunningOffice, settings: readonly SettingView[]): TapeView {
  const { feed } = office.engine;
  const { tape } = feed;
  const of = (name: string): SettingView => {
    const found = settings.find((one) => one.name === name);
    if (found === undefined) throw new Error(`${name} is not a setting`);
    return found;
  };
  const [file, symbol] = [of('PAPER_TAPE'), of('PAPER_SYMBOL')];
  const waits = file.actingText !== null || symbol.actingText !== null;
  const { bar, run } = feed.position();
  return {
    symbol: tape.instrument.symbol,
    description: tape.instrument.name,
    file: office.settings.acting().given.PAPER_TAPE.text,
    timeframe: tape.timeframe,
    bars: tape.length,
    bar: bar + 1,
    run,
    nowMs: feed.nowMs(),
    firstMs: tape.bar(0).timeMs,
    lastMs: tape.bar(tape.length - 1).timeMs,
    barSeconds: feed.timing().barSeconds,
    next: waits ? { file: file.text ?? '', symbol: symbol.text ?? '' } : null,
    setAside: file.setAside?.why ?? symbol.setAside?.why ?? null,
    fixedBy: fixedBy(file) ?? fixedBy(symbol),
    speedFixedBy: fixedBy(of('PAPER_BAR_SECONDS')),
    symbols: office.book.all().map((one) => one.symbol),
  };
}

function fixedBy({ source }: SettingView): string | null {
  if (source === 'environment') return 'the environment';
  return source === '.env' ? 'the file .env' : null;
}

function weigh(office: RunningOffice, choice: TapeChoice): Result<TapeWeighed, Refusal> {
  const read = tapeChosen(office, textsOf(choice));
  if (!read.ok)
    return err(refuse('invalid_input', 'The tape was not chosen; see its fields.', { errors: [read.error] }));
  const tape = read.value;
  const { owner } = office.engine.trading;
  const { symbol } = tape.instrument;
  const left = office.accounts.list().flatMap(({ id }) =>
    owner
      .accountPositions({ account: id, status: 'open' })
      .filter((position) => position.symbol !== symbol)
      .map((position) => ({ account: id, symbol: position.symbol, qty: position.qty })),
  );
  const other = office.engine.feed.tape.instrument.symbol !== symbol;
  return ok({
    symbol,
    timeframe: tape.timeframe,
    bars: tape.length,
    firstMs: tape.bar(0).timeMs,
    lastMs: tape.bar(tape.length - 1).timeMs,
    ordersEnding: other ? office.engine.trading.workingOrders() : 0,
    positionsEnding: left,
  });
}
