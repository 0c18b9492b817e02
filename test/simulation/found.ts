/** Seeds of runs that have failed: each is run again with every test, so that what it found stays mended. */
export const FOUND: readonly number[] = [
  // A fill between the broker's history and its positions was taken for somebody else's.
  7_009,
  // The terms of a change whose answer was lost stayed unclear, because its time-out counted as a new request.
  7_133,
  7_224,
];
