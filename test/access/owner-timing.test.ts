/** A wrong name, a wrong passphrase and a wrong code take the same time: nobody learns which part of a guess was right. */
import { afterEach, expect, test } from 'vitest';
import type { SignIn } from '#access/owner.ts';
import { PASSPHRASE_COST } from '#limits.ts';
import { type AccessRoom, refused } from '../support/access-room.ts';
import { enroll, from, HOME, NAME, ownerRoom, PASSPHRASE, signIn } from '../support/owner-room.ts';

const TRIES_MIN = 8;
/** Where other work has the processor, more tries find the middle; a true difference only shows more clearly. */
const TRIES_MAX = 40;
const APART_MAX = 0.05;

let room: AccessRoom;
afterEach(() => room.close());

test('wrong name, wrong passphrase, wrong code and no code: less than 5 % apart', {
  timeout: 300_000,
}, async () => {
  room = await ownerRoom({ passphraseCost: PASSPHRASE_COST });
  enroll(room, 'sign_in');
  await alike([
    { name: 'somebody-else', code: '000000' },
    { passphrase: 'not the passphrase', code: '000000' },
    { code: '000000' },
    {},
  ]);
});

test('on the page of a remote client too', { timeout: 300_000 }, async () => {
  room = await ownerRoom({ passphraseCost: PASSPHRASE_COST });
  await alike([
    { name: 'somebody-else', client: 'client_1' },
    { passphrase: 'not the passphrase', client: 'client_1' },
  ]);
});

/** `client`: on the page that a remote client brought the browser to. */
type Guess = Partial<SignIn> & { readonly client?: string };

async function alike(guesses: readonly Guess[]): Promise<void> {
  const times: number[][] = guesses.map(() => []);
  let apart = Number.POSITIVE_INFINITY;
  for (let n = 0; n < TRIES_MAX && (n < TRIES_MIN || apart >= APART_MAX); n++) {
    // Further on each time, so that none is locked out and the counts of all are alike.
    room.clock.advance(600_000);
    for (const [kind, guess] of inTurn(guesses, n))
      times[kind]?.push(await costMs({ ...guess, from: from(`198.51.100.${kind}`) }));
    const medians = times.map(median);
    apart = Math.max(...medians) / Math.min(...medians) - 1;
  }
  expect(apart, JSON.stringify(times.map(median))).toBeLessThan(APART_MAX);
  // What is compared is a hash, not an early answer.
  expect(Math.min(...times.map(median))).toBeGreaterThan(20);
}

/** Each kind first, second and last as often as the others. */
const inTurn = <T>(list: readonly T[], turn: number): readonly (readonly [number, T])[] =>
  list.map((_, at) => {
    const index = (at + turn) % list.length;
    return [index, list[index] as T] as const;
  });

/** Processor time of the whole process, hashing threads included: it does not count the waiting for other work. */
async function costMs({ client, ...guess }: Guess): Promise<number> {
  const before = process.cpuUsage();
  const answer =
    client === undefined
      ? await signIn(room, guess)
      : await room.access.owner.proveSignIn({
          name: NAME,
          passphrase: PASSPHRASE,
          from: HOME,
          ...guess,
          client,
        });
  expect(refused<unknown>(answer).reason).toBe('unauthenticated');
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
