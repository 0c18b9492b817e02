/** The tape that paper accounts trade on: what plays, how fast, and what the next start is to play. */
import type { AccountDesk, SettingView, TapeChoice, TapeView, TapeWeighed } from '#console/desks.ts';
import type { Owner } from '#domain/principal.ts';
import { type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import { SAMPLE_SYMBOL } from '#market/tape.ts';
import { type TapeTexts, tapeChosen } from './chosen-tape.ts';
import type { RunningOffice } from './office.ts';
import { openSettingsDesk } from './settings-desk.ts';

type Acts = Pick<AccountDesk, 'tape' | 'weighTape' | 'chooseTape' | 'changeSpeed'>;

export function tapeActs(office: RunningOffice, by: Owner): Acts {
  const settings = openSettingsDesk(office, by);
  const save = async (texts: Readonly<Record<string, string>>): Promise<Result<void, Refusal>> => {
    const saved = await settings.save(texts);
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
const textsOf = ({ file, symbol }: TapeChoice): TapeTexts => ({
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
    symbols: office.book.builtIn().map((one) => one.symbol),
  };
}

function fixedBy({ source }: SettingView): string | null {
  if (source === 'environment') return 'the environment';
  return source === '.env' ? 'the file .env' : null;
}

async function weigh(office: RunningOffice, choice: TapeChoice): Promise<Result<TapeWeighed, Refusal>> {
  const read = await tapeChosen(office, textsOf(choice));
  if (!read.ok)
    return err(refuse('invalid_input', 'The tape was not chosen; see its fields.', { errors: [read.error] }));
  const { symbol } = read.value;
  const { owner } = office.engine.trading;
  const left = office.accounts.list().flatMap(({ id }) =>
    owner
      .accountPositions({ account: id, status: 'open' })
      .filter((position) => position.symbol !== symbol)
      .map((position) => ({ account: id, symbol: position.symbol, qty: position.qty })),
  );
  const other = office.engine.feed.tape.instrument.symbol !== symbol;
  return ok({
    ...read.value,
    ordersEnding: other ? office.engine.trading.workingOrders() : 0,
    positionsEnding: left,
  });
}
