/** Which tape the paper market plays: by the settings, and by those of the environment alone where the stored ones no longer hold. */
import { existsSync } from 'node:fs';
import { type Config, ConfigError, type SettingName, settingValue, withSettings } from '#config.ts';
import type { Instrument } from '#domain/instrument.ts';
import { type FieldError, fieldError } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import { instrumentBook } from '#market/instrument-book.ts';
import { BUILT_IN } from '#market/master.ts';
import { loadTape, type Tape, TapeError } from '#market/tape.ts';
import type { TapeFacts } from '#market/tape-facts.ts';
import { databasePath } from '#store/open.ts';
import { type Office, type RunningOffice, tapeInstrument } from './office.ts';
import { refusedCombinations } from './setting-combinations.ts';
import { StartError } from './start-error.ts';

const TAPE_SETTINGS = ['PAPER_TAPE', 'PAPER_SYMBOL'] as const satisfies readonly SettingName[];

/** Throws StartError, one sentence. */
const instrumentOf = (config: Config): Instrument => tapeInstrument(config, instrumentBook(BUILT_IN));
/** Throws StartError or TapeError, each one sentence. */
const tapeOf = (config: Config): Tape =>
  loadTape({ file: config.PAPER_TAPE, instrument: instrumentOf(config) });

/** Throws ConfigError for settings that do not go together. */
export function demandCombination(config: Config): void {
  const refused = refusedCombinations(config);
  if (refused.length > 0) throw new ConfigError(refused.map(({ sentence }) => sentence).join('\n'));
}

/** What the environment and `.env` say, proven before anything is touched: with no database nothing is stored that could repair it. */
export function provenFirst(given: Config): Tape | undefined {
  if (existsSync(databasePath(given.DATA_DIR))) return undefined;
  demandCombination(given);
  return tapeOf(given);
}

/** The tape to play, and the settings that act with it. A stored tape that can not be played any more is set aside. */
export function chosenTape(
  { config, settings }: Pick<Office, 'config' | 'settings'>,
  proven: Tape | undefined,
): { readonly config: Config; readonly tape: Tape } {
  demandCombination(config);
  if (proven !== undefined) return { config, tape: proven };
  try {
    return { config, tape: tapeOf(config) };
  } catch (cause) {
    const stored = TAPE_SETTINGS.some((name) => config.given[name].source === 'stored');
    if (!stored || !isTapeTrouble(cause)) throw cause;
    const without = settings.doWithout(TAPE_SETTINGS, cause.message);
    return { config: without, tape: tapeOf(without) };
  }
}

const isTapeTrouble = (cause: unknown): cause is Error =>
  cause instanceof TapeError || cause instanceof StartError;

type Settled = Pick<RunningOffice, 'accounts' | 'settings' | 'engine'>;
export type TapeTexts = Readonly<Record<(typeof TAPE_SETTINGS)[number], string>>;

export interface TapeChosen extends TapeFacts {
  readonly symbol: string;
}

/** The tape that these settings name, as a start would take it: it can be read, and the accounts hold its currency. */
export async function tapeChosen(office: Settled, texts: TapeTexts): Promise<Result<TapeChosen, FieldError>> {
  for (const name of TAPE_SETTINGS) {
    const value = settingValue(name, texts[name]);
    if (!value.ok) return err(fieldError(name, texts[name], value.error));
  }
  const changed = TAPE_SETTINGS.map((name) => [name, { source: 'stored', text: texts[name] }] as const);
  const config = withSettings(office.settings.acting(), Object.fromEntries(changed));
  const instrument = instrumentNamed(config);
  if (!instrument.ok) return err(wrong(texts, 'PAPER_SYMBOL', instrument.error));
  const { id, symbol, currency } = instrument.value;
  const looked = await office.engine.tapes.look({ file: config.PAPER_TAPE, instrument: id });
  if (!looked.ok) return err(wrong(texts, 'PAPER_TAPE', looked.error));
  const other = office.accounts.list().filter((account) => account.currency !== currency);
  if (other.length === 0) return ok({ ...looked.value, symbol });
  const names = other.map((account) => `${account.id} (${account.currency})`).join(', ');
  const rule = `is in ${currency}, and accounts hold another currency: remove ${names} first`;
  return err(wrong(texts, 'PAPER_TAPE', rule));
}

const wrong = (texts: TapeTexts, name: keyof TapeTexts, sentence: string): FieldError =>
  fieldError(name, texts[name], sentence.replace(/\.$/, ''));

function instrumentNamed(config: Config): Result<Instrument, string> {
  try {
    return ok(instrumentOf(config));
  } catch (cause) {
    if (!(cause instanceof StartError)) throw cause;
    return err(cause.message);
  }
}

/** Whether both play the same tape. */
export const sameTape = (one: Config, other: Config): boolean =>
  TAPE_SETTINGS.every((name) => one[name] === other[name]);

/** What a start would have against another tape than the one that plays. */
export async function objectionToTape(office: Settled, next: Config): Promise<FieldError | undefined> {
  if (sameTape(next, office.settings.acting())) return undefined;
  const { PAPER_TAPE, PAPER_SYMBOL } = next.given;
  const chosen = await tapeChosen(office, { PAPER_TAPE: PAPER_TAPE.text, PAPER_SYMBOL: PAPER_SYMBOL.text });
  return chosen.ok ? undefined : chosen.error;
}

export const namesTape = (texts: Readonly<Record<string, string>>): boolean =>
  TAPE_SETTINGS.some((name) => name in texts);
