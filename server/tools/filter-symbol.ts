/** A symbol as a filter: one that is not known here is refused, because an empty answer would say that there is nothing of it. */
import type { Principal } from '#domain/principal.ts';
import type { Refusal } from '#domain/refusal.ts';
import { ok, type Result } from '#domain/result.ts';
import { callersMarket, type MarketServices } from './callers-market.ts';

/** `spx` finds no order in SPX, and who is told so places it again. */
export function filterSymbol(
  services: MarketServices,
  principal: Principal,
  symbol: string | undefined,
): Result<{ readonly symbol?: string }, Refusal> {
  if (symbol === undefined) return ok({});
  const found = callersMarket(services, principal).resolve(symbol);
  return found.ok ? ok({ symbol: found.value.symbol }) : found;
}
