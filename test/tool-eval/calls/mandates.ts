// An agent's own mandate as models would change it: tighter passes, looser names what is in force, and shapes are the file's.
import { ACCEPTED, type Entry, type Expected, leavesOut, leftOpen, pointsAt, repaired } from '../entry.ts';

/** Looked at only, so that every other call of the corpus finds the mandate as it was. */
const tighter = (why: string, fields: object, expect: Expected): Entry => ({
  why,
  tool: 'tighten_mandate',
  args: { ...fields, dry_run: true },
  expect,
});
const looser = (nearest: Readonly<Record<string, string | null>>): Expected =>
  pointsAt(nearest, 'loosening_refused');

export const MANDATES: readonly Entry[] = [
  tighter('a smaller loss and fewer symbols', { max_daily_loss: '100', symbols: ['SPX'] }, ACCEPTED),
  tighter('a whole number for an amount', { max_daily_loss: 100 }, ACCEPTED),
  tighter('a list as a string of JSON', { sides: '["buy"]' }, repaired({ sides: ['buy'] })),
  tighter('a word in capitals', { commit: 'TWO_STEP' }, repaired({ commit: 'two_step' })),
  tighter(
    'a budget that is larger than the one in force',
    { max_daily_loss: '60000' },
    looser({ max_daily_loss: '50000' }),
  ),
  tighter('more orders than are allowed', { max_open_orders: 5_000 }, looser({ max_open_orders: '1000' })),
  tighter(
    'another account beside its own',
    { accounts: ['paper', 'live'] },
    looser({ accounts: '["paper"]' }),
  ),
  tighter(
    'a confirmation step less',
    { commit: 'one_step', max_daily_orders: 20_000 },
    looser({ commit: 'two_step', max_daily_orders: '10000' }),
  ),
  tighter('an amount with binary digits', { max_order_value: 99.5 }, pointsAt({ max_order_value: '99.5' })),
  tighter(
    'an amount with commas and a currency',
    { max_order_value: '$1,000' },
    pointsAt({ max_order_value: '1000' }),
  ),
  tighter('a count as text', { max_daily_orders: '5' }, pointsAt({ max_daily_orders: '5' })),
  tighter('a switch as text', { allow_short: 'false' }, pointsAt({ allow_short: 'false' })),
  tighter(
    'a word with a capital where an object may stand too',
    { approval: 'Always' },
    pointsAt({ approval: 'always' }),
  ),
  tighter('a field of another name', { daily_loss: '100' }, pointsAt({ daily_loss: 'max_daily_loss' })),
  tighter(
    'the version that get_mandate shows',
    { max_daily_loss: '100', version: 1 },
    leftOpen('invalid_input', 'version'),
  ),
  tighter(
    'the fields wrapped as get_mandate shows them',
    { mandate: { max_daily_loss: '100' } },
    leavesOut('mandate'),
  ),
  tighter('a side that is no list', { sides: 'buy' }, leftOpen('invalid_input', 'sides')),
  tighter('a day instead of a time', { expires_at: 'friday' }, leftOpen('invalid_input', 'expires_at')),
  tighter('half of a budget', { max_daily_loss: '50%' }, leftOpen('invalid_input', 'max_daily_loss')),
  tighter('a negative loss', { max_daily_loss: '-100' }, leftOpen('invalid_input', 'max_daily_loss')),
];
