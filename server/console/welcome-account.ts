/** The first run's look at the paper account: what it holds, and the market it trades in. */
import type { Refusal } from '#domain/refusal.ts';
import { ok, type Result } from '#domain/result.ts';
import type { OwnerVisit, PageData } from './define.ts';

export async function accountStep({ services }: OwnerVisit): Promise<Result<PageData, Refusal>> {
  const accounts = await services.trading.owner.accounts();
  if (!accounts.ok) return accounts;
  const setting = (name: string): string | null =>
    services.settings.list().find((one) => one.name === name)?.text ?? null;
  const account = accounts.value.find(({ mode }) => mode === 'paper');
  const [instrument] = services.feed.instruments();
  return ok({
    account: account ?? null,
    instrument: instrument ?? null,
    market_ms: services.feed.nowMs(),
    tape: setting('PAPER_TAPE'),
    bar_seconds: setting('PAPER_BAR_SECONDS'),
    preset: setting('PAPER_PRESET'),
  });
}
