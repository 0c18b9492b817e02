/** A quarter of an hour of a live feed with five breaks, in seconds: the long form is feed.soak.ts. */
import { expect, it } from 'vitest';
import { liveThrough } from './feed-day.ts';

it('loses no fill, doubles none, and goes on quoting after every break', async () => {
  const told = await liveThrough({ hours: 0.25, breaks: 5, fills: 20 });
  expect(told.filledThere).toHaveLength(20);
  expect(told.filledHere).toHaveLength(20);
  expect(new Set(told.filledHere).size).toBe(20);
  expect(told.filledQty).toBe('20');
  expect(told.stale).toEqual([]);
  expect(told.quotesSeen).toBe(5);
  expect(told.placed).toBe(1);
});
