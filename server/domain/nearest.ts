/** The nearest of the right words to a wrong one, for `did_you_mean`; suggestions only, never silently taken. */
import { NEAREST_WORD_LENGTH_MAX } from '#limits.ts';

/** Compared without case and punctuation; null when nothing is near (a third of the word, three edits at most). */
export function nearest(given: string, known: readonly string[]): string | null {
  if (given.length > NEAREST_WORD_LENGTH_MAX) return null;
  const bare = bareWord(given);
  let best: string | null = null;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (const word of known) {
    const candidate = bareWord(word);
    const distance = editDistance(bare, candidate);
    if (distance > Math.min(3, Math.floor(candidate.length / 3)) || distance >= bestDistance) continue;
    best = word;
    bestDistance = distance;
  }
  return best;
}

const bareWord = (word: string): string => word.toLowerCase().replace(/[^a-z0-9]/g, '');

/** Insertions, deletions, substitutions and swaps of neighbours that turn one short word into the other. */
export function editDistance(from: string, to: string): number {
  let earlier: readonly number[] = [];
  let above: readonly number[] = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      const same = from[row - 1] === to[column - 1];
      const swapped =
        row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      current.push(
        Math.min(
          (current[column - 1] ?? 0) + 1,
          (above[column] ?? 0) + 1,
          (above[column - 1] ?? 0) + (same ? 0 : 1),
          swapped ? (earlier[column - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY,
        ),
      );
    }
    earlier = above;
    above = current;
  }
  return above[to.length] ?? 0;
}
