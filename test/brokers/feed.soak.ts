/** Twenty-four hours of a live feed with fifty breaks, on the clock turned by hand. */
import { expect, it } from 'vitest';
import { liveThrough } from './feed-day.ts';

const BREAKS = 50;
const FILLS = 600;

it('loses no fill, doubles none, goes on quoting, and holds no more memory at the end than at the beginning', async () => {
  const told = await liveThrough({ hours: 24, breaks: BREAKS, fills: FILLS });
  const mib = (bytes: number): string => (bytes / 1_048_576).toFixed(1);
  console.log(
    `fills ${told.filledHere.length} of ${told.filledThere.length}; streams opened ${JSON.stringify(told.streamsOpened)}; heap ${mib(told.heap.early)} then ${mib(told.heap.late)} MiB`,
  );
  expect(told.filledThere).toHaveLength(FILLS);
  expect(told.filledHere).toHaveLength(FILLS);
  expect(new Set(told.filledHere).size).toBe(FILLS);
  expect(told.filledQty).toBe(String(FILLS));
  expect(told.stale).toEqual([]);
  expect(told.quotesSeen).toBe(BREAKS);
  expect(told.placed).toBe(1);
  expect(told.heap.late - told.heap.early).toBeLessThan(24 * 1_048_576);
});
