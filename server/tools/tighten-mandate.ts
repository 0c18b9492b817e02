/** tighten_mandate: the caller makes its own mandate tighter; only the owner makes it looser. */
import { z } from 'zod';
import type { JsonValue } from '#audit/line.ts';
import { ok } from '#domain/result.ts';
import { reduceCommit, reduceFields } from './commit.ts';
import { defineTool } from './define.ts';
import { TightenShape } from './shapes.ts';

/** As in the file of a mandate, whose own rules judge it: what bounds a value is the mandate in force. */
const given = (type?: 'string' | 'array' | 'integer' | 'boolean') =>
  z
    .unknown()
    .transform((value) => value as JsonValue)
    .meta(type === undefined ? {} : { type })
    .optional();
const oneOf = (...words: readonly string[]) => given().meta({ enum: [...words] });

const mandateFields = {
  accounts: given('array'),
  symbols: given('array'),
  asset_classes: given('array'),
  sides: given('array'),
  may_reduce: oneOf('own', 'account'),
  order_types: given('array'),
  allow_short: given('boolean'),
  max_order_qty: given('string'),
  max_order_value: given('string'),
  max_daily_value: given('string'),
  max_daily_orders: given('integer'),
  max_daily_loss: given('string'),
  max_open_orders: given('integer'),
  max_gross_exposure: given('string'),
  trading_hours: given(),
  expires_at: given(),
  commit: oneOf('one_step', 'two_step'),
  approval: given(),
};

export const tightenMandate = defineTool({
  name: 'tighten_mandate',
  title: 'Tighten my mandate',
  description:
    'Tightens your own mandate at once: any fields as get_mandate shows them. Anything looser is refused; only the owner loosens. Orders that no longer fit are canceled.',
  scope: 'write:orders',
  effect: 'reduce',
  openWorld: false,
  rest: { method: 'POST', path: '/mandate/tighten' },
  example: {
    prompt: 'Be careful from now on: lose at most 100 a day, and only buy SPX.',
    arguments: { max_daily_loss: '100', sides: ['buy'] },
  },
  refusals: ['loosening_refused', 'no_mandate', 'mandate_expired', 'idempotency_conflict'],
  input: z.strictObject({ ...mandateFields, ...reduceFields }),
  output: TightenShape,
  async run(services, principal, input) {
    const { dry_run: _dryRun, idempotency_key: _key, ...fields } = input;
    const commit = reduceCommit('tighten_mandate', input);
    const tightened = await services.desk.tightenMandate(principal, fields, commit);
    if (!tightened.ok) return tightened;
    const { dryRun, version, changed, mandate, canceling } = tightened.value;
    return ok({
      dry_run: dryRun,
      version,
      changed: [...changed],
      mandate: { ...mandate },
      canceling: [...canceling],
    });
  },
});
