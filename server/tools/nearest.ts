/** What the caller probably meant: the nearest of the right words, by known synonyms first, then by edit distance. */
import { nearest } from '#domain/nearest.ts';
import { printable } from '#domain/refusal.ts';
import { NEAREST_WORD_LENGTH_MAX } from '#limits.ts';
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

/** Words that could mean two of our fields, or none: naming one would be a guess. */
const ADVICE: readonly { readonly words: string; readonly about: string; readonly advice: string }[] = [
  {
    words: 'confirm confirmed confirmation execute submit live send approved approve force commit',
    about: 'dry_run',
    advice: `${LEAVE_OUT}: dry_run false is what acts`,
  },
  {
    words: 'lots lot lotsize numlots lotqty volume',
    about: 'qty',
    advice: 'qty is in units: lots times the lot size',
  },
  {
    words: 'amount orderamount tradeamount',
    about: 'qty',
    advice: 'qty is a number of units, notional (of place_order) an amount of money',
  },
  {
    words: 'trail trailing trailby traildelta trailingdelta',
    about: 'trail_percent',
    advice: 'trail_percent is in percent, trail_price in the price of the instrument',
  },
];
/** Said to a person or a host, and no part of what is asked for. */
const BY_THE_WAY: ReadonlySet<string> = new Set(
  'reasoning reason rationale thought thoughts explanation description comment randomstring dummy apikey apisecret secret password userid sessionid'.split(
    ' ',
  ),
);
const FIELDS_LISTED_MAX = 8;
const WRAPPERS: ReadonlySet<string> = new Set(
  'arguments args input params parameters payload data body kwargs order request mandate changes limits'.split(
    ' ',
  ),
);

/** What was probably meant by the field `given`, which is none of `known`. */
export function hintOfField(
  given: string,
  known: readonly string[],
  args: Readonly<Record<string, unknown>>,
): FieldHint {
  const bare = bareWord(given);
  if (PRICES.has(bare) && known.includes('limit_price')) return hintOfPrice(args['type'], known);
  const open = ADVICE.find(({ words, about }) => known.includes(about) && words.split(' ').includes(bare));
  if (open !== undefined) return { nearest: null, advice: open.advice };
  const meant = suggest(given, known, FIELD_SYNONYMS);
  if (meant !== null) return { nearest: meant, advice: '' };
  if (WRAPPERS.has(bare) && holdsFields(args[given], known))
    return { nearest: null, advice: 'put what is in it one level up' };
  return { nearest: null, advice: adviceOnStranger(bare, known) };
}

/**
 * In a look, what is not known can be left out. In an act it may be what narrows it (a symbol to a tool that closes everything,
 * a percentage to one that closes all of it): left out, the act would be another.
 */
function adviceOnStranger(bare: string, known: readonly string[]): string {
  const acts = known.includes('dry_run');
  if (!acts || BY_THE_WAY.has(bare)) return LEAVE_OUT;
  return known.length > FIELDS_LISTED_MAX ? '' : `its fields are ${known.join(', ')}`;
}

/** The allowed value that was probably meant by `given`; null when nothing is near. */
export function nearestValue(given: string, allowed: readonly string[]): string | null {
  if (OTHER_ORDERS.has(bareWord(given)) || isAmbiguous(given, allowed)) return null;
  return suggest(given, allowed, VALUE_SYNONYMS) ?? nextNumber(given, allowed);
}

/** The tool that was probably meant, without what a host puts before its name; null when nothing is near. */
export function nearestTool(given: string, known: readonly string[]): string | null {
  const [name = ''] = given
    .slice(-NEAREST_WORD_LENGTH_MAX)
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

/** Full-width letters and hidden characters are how the same word looks after a copy and paste. */
const bareWord = (word: string): string =>
  printable(word.slice(0, NEAREST_WORD_LENGTH_MAX))
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[^a-z0-9]/g, '');
