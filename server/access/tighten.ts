/** What an agent may do to its own mandate: make it tighter. Anything looser is refused, field by field, and nothing is saved. */
import { z } from 'zod';
import { type Mandate, MandateDocument, mandateOf } from '#domain/mandate.ts';
import { type FieldError, fieldError, type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import { MANDATE_ERRORS_MAX } from '#limits.ts';
import { mandateErrors } from './mandate-errors.ts';
import type { InstrumentResolver } from './mandates.ts';
import { type Comparison, subset, TIGHTER } from './tighter.ts';

const { shape } = MandateDocument;

/** Any field of a mandate, each with the rules of the file; nothing is filled in. */
const Tightening = z.strictObject({
  accounts: shape.accounts.optional(),
  symbols: shape.symbols.optional(),
  asset_classes: shape.asset_classes,
  sides: shape.sides.optional(),
  may_reduce: shape.may_reduce.unwrap().optional(),
  order_types: shape.order_types.optional(),
  allow_short: shape.allow_short.unwrap().optional(),
  max_order_qty: shape.max_order_qty.optional(),
  max_order_value: shape.max_order_value.optional(),
  max_daily_value: shape.max_daily_value.optional(),
  max_daily_orders: shape.max_daily_orders.optional(),
  max_daily_loss: shape.max_daily_loss.optional(),
  max_open_orders: shape.max_open_orders.optional(),
  max_gross_exposure: shape.max_gross_exposure.optional(),
  trading_hours: shape.trading_hours.optional(),
  expires_at: shape.expires_at.optional(),
  commit: shape.commit.unwrap().optional(),
  approval: shape.approval.unwrap().optional(),
});
type Tightening = z.output<typeof Tightening>;
export type TightenField = keyof Tightening;
export const TIGHTEN_FIELDS = Object.keys(Tightening.shape) as readonly TightenField[];

export interface Tightened {
  /** As it would be in force: the next version, or the same one where nothing changes. */
  readonly mandate: Mandate;
  /** Fields that are tighter than they were; none: everything asked for is in force already. */
  readonly changed: readonly TightenField[];
}

/** Makes the fields that are given tighter. The mandate is one that is in force. */
export function tighten(
  mandate: Mandate,
  given: unknown,
  instruments: InstrumentResolver,
): Result<Tightened, Refusal> {
  const parsed = Tightening.safeParse(given);
  if (!parsed.success) {
    const errors = mandateErrors(parsed.error.issues, given).map(withoutGuess);
    return err(wrong('invalid_input', errors));
  }
  const asked = parsed.data;
  const symbols = resolveSymbols(asked, mandate.document.accounts, instruments);
  if (!symbols.ok) return symbols;
  const compared = TIGHTEN_FIELDS.filter((field) => asked[field] !== undefined).map((field) => ({
    field,
    is: field === 'symbols' ? compareSymbols(mandate, symbols.value) : compare(field, asked, mandate),
  }));
  const looser = compared.flatMap(({ field, is }) => (is === 'looser' ? [field] : []));
  if (looser.length > 0) return err(loosening(mandate, asked, looser));
  const changed = compared.flatMap(({ field, is }) => (is === 'tighter' ? [field] : []));
  if (changed.length === 0) return ok({ mandate, changed });
  const document: MandateDocument = {
    ...mandate.document,
    ...Object.fromEntries(changed.map((field) => [field, asked[field]])),
  };
  const { instruments: held } = mandate;
  const resolved = changed.includes('symbols') ? symbols.value.ids : held === 'any' ? held : [...held];
  const version = mandate.version + 1;
  return ok({ mandate: mandateOf(document, { version, resolved, revokedAtMs: null }), changed });
}

/** Of an amount below zero 0 is the nearest right one, and would take everything: what was meant is the caller's to say. */
const withoutGuess = (error: FieldError): FieldError =>
  error.nearest === '0' ? { ...error, nearest: null } : error;

/** Each rule takes the type of its own field, which is the one that `asked` has there. */
function compare(
  field: Exclude<TightenField, 'symbols'>,
  asked: Tightening,
  { document }: Mandate,
): Comparison {
  const rule = TIGHTER[field] as (asked: unknown, now: unknown) => Comparison;
  return rule(asked[field], document[field]);
}

interface AskedSymbols {
  readonly ids: readonly string[] | 'any';
  readonly assetClasses: ReadonlySet<string>;
}

function resolveSymbols(
  { symbols = [], accounts }: Tightening,
  held: readonly string[],
  instruments: InstrumentResolver,
): Result<AskedSymbols, Refusal> {
  if (symbols[0] === '*') return ok({ ids: 'any', assetClasses: new Set() });
  const found = symbols.map((symbol) => ({
    symbol,
    instrument: instruments.resolve(symbol, accounts ?? held),
  }));
  const errors = found.flatMap(({ symbol, instrument }, index) =>
    instrument.ok
      ? []
      : [
          fieldError(
            `symbols.${index}`,
            symbol,
            instrument.error.detail,
            instrument.error.did_you_mean?.[0] ?? null,
          ),
        ],
  );
  if (errors.length > 0) return err(wrong('invalid_input', errors));
  const known = found.flatMap(({ instrument }) => (instrument.ok ? instrument.value : []));
  return ok({
    ids: [...new Set(known.map(({ id }) => id))],
    assetClasses: new Set(known.map(({ assetClass }) => assetClass)),
  });
}

/** Under `["*"]` every symbol of its asset classes was allowed; one of another class would be new. */
function compareSymbols({ instruments, document }: Mandate, asked: AskedSymbols): Comparison {
  if (asked.ids === 'any') return instruments === 'any' ? 'same' : 'looser';
  if (instruments !== 'any') return subset<string>(asked.ids, instruments);
  const classes = new Set<string>(document.asset_classes);
  return asked.assetClasses.isSubsetOf(classes) ? 'tighter' : 'looser';
}

function loosening({ document }: Mandate, asked: Tightening, fields: readonly TightenField[]): Refusal {
  const errors = fields.map((field) => {
    const now = document[field];
    const shown = typeof now === 'object' ? JSON.stringify(now) : String(now);
    return fieldError(field, asked[field], `no looser than ${shown}, which is in force`, shown);
  });
  return wrong('loosening_refused', errors);
}

function wrong(reason: 'invalid_input' | 'loosening_refused', errors: readonly FieldError[]): Refusal {
  const shown = errors.slice(0, MANDATE_ERRORS_MAX);
  const sentences = shown.slice(0, 3).map(({ field, rule }) => `${field || 'mandate'}: ${rule}`);
  const more = errors.length > 3 ? ` (and ${errors.length - 3} more)` : '';
  const why =
    reason === 'invalid_input'
      ? 'The mandate was not changed.'
      : 'The mandate was not changed: you may make it tighter, and only the owner makes it looser.';
  return refuse(reason, `${why} ${sentences.join('; ')}${more}.`, {
    errors: shown,
    ...(reason === 'loosening_refused' ? { verify_with: 'get_mandate' } : {}),
  });
}
