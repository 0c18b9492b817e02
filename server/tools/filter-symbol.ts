/** A symbol as a filter: one that is not known here is refused, because an empty answer would say that there is nothing of it. */
import type { Refusal } from '#domain/refusal.ts';
import { ok, type Result } from '#domain/result.ts';
import type { ToolServices } from './define.ts';

/** `spx` finds no order in SPX, and who is told so places it again. */
export function filterSymbol(
  services: Pick<ToolServices, 'book'>,
  symbol: string | undefined,
): Result<{ readonly symbol?: string }, Refusal> {
  if (symbol === undefined) return ok({});
  const found = services.book.resolve(symbol);
  return found.ok ? ok({ symbol: found.value.symbol }) : found;
}
