/** What a refusal can suggest only because it knows the caller and the market: symbols as they are written here, the caller's accounts. */
import { nearest } from '#domain/nearest.ts';
import type { Principal } from '#domain/principal.ts';
import { type FieldError, fieldError, type Refusal } from '#domain/refusal.ts';
import { FIELD_ERRORS_MAX } from '#limits.ts';
import { callersMarket, type MarketServices } from './callers-market.ts';
import { isRecord } from './normalise.ts';
import { invalidInput } from './parse.ts';

interface Refused {
  readonly tool: string;
  readonly args: unknown;
  readonly principal: Principal;
}

/** The refusal with the nearest symbol or account beside each one that was wrong; any other refusal as it is. */
export function withSuggestions(services: MarketServices, call: Refused, refusal: Refusal): Refusal {
  const { reason, errors } = refusal;
  if (reason === 'invalid_input') return invalidWithSuggestions(services, call, refusal);
  if (errors !== undefined) return refusal;
  if (reason === 'unknown_symbol') return named(refusal, unknownSymbols(services, call));
  return reason === 'account_not_allowed' ? named(refusal, wrongAccount(services, call)) : refusal;
}

/** Only what was changed is worded again: another refusal's sentence is its own. */
function invalidWithSuggestions(services: MarketServices, call: Refused, refusal: Refusal): Refusal {
  const { errors = [] } = refusal;
  const better = errors.map((error) => suggested(services, call, error));
  return better.every((error, index) => error === errors[index])
    ? refusal
    : { ...refusal, ...invalidInput(call.tool, better) };
}

const named = (refusal: Refusal, errors: readonly FieldError[]): Refusal =>
  errors.length === 0 ? refusal : { ...refusal, errors };

/** Of a field that is none, or that is to be left out, there is no nearer value. */
const IS_NO_VALUE = /^(?:not a field of|leave the field out|required)/;

function suggested(services: MarketServices, call: Refused, error: FieldError): FieldError {
  if (error.nearest !== null || IS_NO_VALUE.test(error.rule)) return error;
  const near = /^symbols?(?:\.\d+)?$/.test(error.field)
    ? nearestSymbol(services, call.principal, error.value)
    : error.field === 'account'
      ? nearestAccount(services, call.principal, error.value)
      : null;
  return near === null ? error : { ...error, nearest: near };
}

const nearestAccount = (services: MarketServices, principal: Principal, given: string): string | null => {
  const own = services.access.agents.accountsOf(principal.agent);
  return nearest(given, own) ?? (own.length === 1 ? (own[0] ?? null) : null);
};

/** As the book writes it; null when nothing is near, or it is right as it is. */
function nearestSymbol(services: MarketServices, principal: Principal, given: string): string | null {
  const found = callersMarket(services, principal).resolve(given);
  if (found.ok) return found.value.symbol;
  return found.error.reason === 'unknown_symbol' ? (found.error.did_you_mean?.[0] ?? null) : null;
}

/** All of a list at once, so that it takes one correction and not one a symbol. */
function unknownSymbols(services: MarketServices, { args, principal }: Refused): readonly FieldError[] {
  if (!isRecord(args)) return [];
  const { symbol, symbols } = args;
  const given = [['symbol', symbol] as const, ...entries(symbols)];
  return given
    .slice(0, FIELD_ERRORS_MAX)
    .flatMap(([field, value]) =>
      typeof value !== 'string' || callersMarket(services, principal).resolve(value).ok
        ? []
        : [
            fieldError(
              field,
              value,
              'a symbol exactly as written here',
              nearestSymbol(services, principal, value),
            ),
          ],
    );
}

const entries = (list: unknown): readonly (readonly [string, unknown])[] =>
  Array.isArray(list) ? list.map((entry: unknown, index) => [`symbols.${index}`, entry] as const) : [];

function wrongAccount(services: MarketServices, { args, principal }: Refused): readonly FieldError[] {
  const account = isRecord(args) ? args['account'] : undefined;
  if (typeof account !== 'string') return [];
  const near = nearestAccount(services, principal, account);
  return [fieldError('account', account, 'an account of yours, as list_accounts shows it', near)];
}
