/** How well an instrument fits what was written: suggestions for a symbol that there is not, and the ranking of a search. */
import type { Instrument } from '#domain/instrument.ts';
import { printable } from '#domain/refusal.ts';
import { SUGGESTIONS_MAX } from '#limits.ts';
import { editDistance } from './edit-distance.ts';

/** Longer text than any symbol is no slip of the finger; measuring it would only cost time. */
const SUGGESTED_LENGTH_MAX = 41;
/** A derivative of a thing is another thing: no spelling of it, so nothing is suggested. */
const DERIVATIVE = /perp|swap|futures?\b|\.p$|=f$|\d!$|\/usd:/;
/** What other vendors put around the same name: a cashtag, the feed's or venue's name, Bloomberg's and Reuters' endings. */
const DECORATION =
  /^\$|^[a-z]{2,10}:|(?:\s+[a-z]{2})?\s+(?:equity|index|curncy)$|\s+us$|\.(?:o|oq|n|us)$|=x$|[-.](?:eq|ns)$/g;

/** Two slips of the finger, in an alias too. */
const SLIPS_MAX = 2.5;

/** Same spelling but for case, then an alias, then one or two slips of the finger; canonical symbols, nearest first. */
export function suggestions(instruments: readonly Instrument[], given: string): readonly string[] {
  const wanted = printable(given.slice(0, SUGGESTED_LENGTH_MAX))
    .normalize('NFKC')
    .replace(/\p{Pd}/gu, '-')
    .trim()
    .toLowerCase();
  if (wanted === '' || DERIVATIVE.test(wanted)) return [];
  const bare = wanted.replace(DECORATION, '');
  const isDecorated = bare !== wanted;
  const scored: { symbol: string; distance: number }[] = [];
  for (const one of instruments) {
    const undecorated = isDecorated ? distanceTo(one, bare) + 0.25 : Number.POSITIVE_INFINITY;
    const distance = Math.min(distanceTo(one, wanted), undecorated);
    if (distance <= (wanted.length >= 6 ? SLIPS_MAX : 1.5)) scored.push({ symbol: one.symbol, distance });
  }
  scored.sort((a, b) => a.distance - b.distance);
  const exact = scored.filter((one) => one.distance < 1);
  const chosen = exact.length > 0 ? exact : scored;
  return [...new Set(chosen.map((one) => one.symbol))].slice(0, SUGGESTIONS_MAX);
}

const distanceTo = (one: Instrument, wanted: string): number =>
  Math.min(
    slipsBetween(wanted, one.symbol.toLowerCase()),
    ...one.aliases.map((alias) => slipsBetween(wanted, alias.toLowerCase()) + 0.5),
  );

/** Words that differ more in length than in slips that count are not measured: a call may name dozens of long ones. */
const slipsBetween = (wanted: string, name: string): number =>
  Math.abs(wanted.length - name.length) > SLIPS_MAX ? Number.POSITIVE_INFINITY : editDistance(wanted, name);

export function ranked(instruments: readonly Instrument[], query: string): readonly Instrument[] {
  const wanted = query.slice(0, 80).trim().toLowerCase();
  if (wanted === '') return instruments;
  const scored: { one: Instrument; rank: number }[] = [];
  for (const one of instruments) {
    const ranks = [
      rankOf(one.symbol, wanted),
      ...one.aliases.map((alias) => rankOf(alias, wanted) + 0.25),
      rankOf(one.name, wanted) + 0.5,
    ];
    const rank = Math.min(...ranks);
    if (rank < Number.POSITIVE_INFINITY) scored.push({ one, rank });
  }
  return scored.sort((a, b) => a.rank - b.rank).map((entry) => entry.one);
}

/** 0 equal, 1 begins with it, 2 contains it, 3 contains its words. */
function rankOf(candidate: string, wanted: string): number {
  const at = candidate.toLowerCase();
  if (at === wanted) return 0;
  if (at.startsWith(wanted)) return 1;
  if (at.includes(wanted)) return 2;
  return wanted.split(/\s+/).every((word) => at.includes(word)) ? 3 : Number.POSITIVE_INFINITY;
}
