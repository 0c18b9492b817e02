/** What the caller probably meant: the nearest of the right words, by known synonyms first, then by edit distance. */
import { nearest } from '#domain/nearest.ts';
import { printable } from '#domain/refusal.ts';
import { isAmbiguous, isRecord, parseJson } from './normalise.ts';
import { FIELD_SYNONYMS, OTHER_ORDERS, TOOL_SYNONYMS, VALUE_SYNONYMS } from './synonyms.ts';

/** What to say of a field that is none: the field that was meant, or what to do instead. */
export interface FieldHint {
  readonly nearest: string | null;
  readonly advice: string;
}

const LEAVE_OUT = 'leave it out';

/** A price without saying which is the one its order type takes. */
const PRICES: ReadonlySet<string> = new Set(['price', 'orderprice', 'px', 'entryprice', 'entry']);
/** Being sure is no argument: a commit is `dry_run: false` with what the preview gave. */
const CONFIRMATIONS: ReadonlySet<string> = new Set(
  'confirm confirmed confirmation execute submit live send approved approve force commit'.split(' '),
);
const LOTS: ReadonlySet<string> = new Set(['lots', 'lot', 'lotsize', 'numlots', 'lotqty']);
const WRAPPERS: ReadonlySet<string> = new Set(
  'arguments args input params parameters payload data body kwargs order request'.split(' '),
);

/** What was probably meant by the field `given`, which is none of `known`. */
export function hintOfField(
  given: string,
  known: readonly string[],
  args: Readonly<Record<string, unknown>>,
): FieldHint {
  const bare = bareWord(given);
  if (PRICES.has(bare) && known.includes('limit_price')) return hintOfPrice(args['type'], known);
  if (CONFIRMATIONS.has(bare) && known.includes('dry_run'))
    return { nearest: null, advice: `${LEAVE_OUT}: dry_run false is what acts` };
  if (LOTS.has(bare) && known.includes('qty'))
    return { nearest: null, advice: 'qty is in units: lots times the lot size' };
  const meant = suggest(given, known, FIELD_SYNONYMS);
  if (meant !== null) return { nearest: meant, advice: '' };
  if (WRAPPERS.has(bare) && holdsFields(args[given], known))
    return { nearest: null, advice: 'put what is in it one level up' };
  return { nearest: null, advice: LEAVE_OUT };
}

/** The allowed value that was probably meant by `given`; null when nothing is near. */
export function nearestValue(given: string, allowed: readonly string[]): string | null {
  if (OTHER_ORDERS.has(bareWord(given)) || isAmbiguous(given, allowed)) return null;
  return suggest(given, allowed, VALUE_SYNONYMS) ?? nextNumber(given, allowed);
}

/** The tool that was probably meant, without what a host puts before its name; null when nothing is near. */
export function nearestTool(given: string, known: readonly string[]): string | null {
  const [name = ''] = given
    .slice(-WORD_LENGTH_MAX)
    .split(/__|[./:]/)
    .slice(-1);
  return suggest(name, known, TOOL_SYNONYMS);
}

function hintOfPrice(type: unknown, known: readonly string[]): FieldHint {
  const word =
    typeof type === 'string' ? nearestValue(type, ['market', 'limit', 'stop', 'stop_limit']) : null;
  if (!known.includes('type') || word === 'limit' || word === 'stop_limit')
    return { nearest: 'limit_price', advice: '' };
  if (word === 'stop') return { nearest: 'stop_price', advice: '' };
  return {
    nearest: null,
    advice: 'limit and stop_limit take limit_price, stop and stop_limit stop_price, market none',
  };
}

function holdsFields(given: unknown, known: readonly string[]): boolean {
  const value = typeof given === 'string' ? parseJson(given) : given;
  return isRecord(value) && known.some((field) => Object.hasOwn(value, field));
}

/** Of a list of numbers: the smallest that is enough, or the largest. */
function nextNumber(given: string, allowed: readonly string[]): string | null {
  if (!/^\d{1,9}$/.test(given) || !allowed.every((word) => /^\d{2,9}$|^7$/.test(word))) return null;
  const sizes = allowed.map(Number).sort((a, b) => a - b);
  return String(sizes.find((size) => size >= Number(given)) ?? sizes.at(-1));
}

/** The same word but for case and punctuation, then what other interfaces mean by it, then a slip of the finger. */
function suggest(
  given: string,
  known: readonly string[],
  synonyms: ReadonlyMap<string, readonly string[]>,
): string | null {
  const bare = bareWord(given);
  if (bare === '') return null;
  const same = known.find((word) => bareWord(word) === bare);
  if (same !== undefined) return same;
  const meant = synonyms.get(bare)?.find((word) => known.includes(word));
  return meant ?? nearest(given, known);
}

const WORD_LENGTH_MAX = 60;
/** Full-width letters and hidden characters are how the same word looks after a copy and paste. */
const bareWord = (word: string): string =>
  printable(word.slice(0, WORD_LENGTH_MAX))
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[^a-z0-9]/g, '');
