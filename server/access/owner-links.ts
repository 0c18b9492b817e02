/** One-time links, to set up and to reset: a code that is followed once, and the ticket of the browser that followed it. */
import type { AuditLog } from '#audit/log.ts';
import { OWNER_CLI } from '#domain/principal.ts';
import { type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import { ONE_TIME_LINK_TTL_MS } from '#limits.ts';
import type { Store } from '#store/open.ts';
import type { OneTimeLink, Ticket } from './owner-records.ts';
import { newLinkCode, newToken, tokenHash } from './owner-tokens.ts';
import type { SteadyWall } from './wall.ts';

export type LinkPurpose = 'setup' | 'reset';

export interface Links {
  /** Voids the one before, and its ticket. */
  issue(purpose: LinkPurpose): OneTimeLink;
  redeem(purpose: LinkPurpose, code: string): Result<Ticket, Refusal>;
  ticketLive(purpose: LinkPurpose, ticket: string): boolean;
  /** Inside the transaction that used the ticket, or made the link pointless. */
  close(purpose: LinkPurpose): void;
  sweep(): void;
}

const ISSUED = { setup: 'owner.setup_code_issued', reset: 'owner.reset_link_issued' } as const;

export function openLinks(o: {
  readonly store: Store;
  readonly audit: AuditLog;
  readonly wall: SteadyWall;
}): Links {
  const { store, audit, wall } = o;
  const { db } = store;
  const put = db.prepare(
    `INSERT INTO owner_links (purpose, code, ticket, expires_at) VALUES (?, ?, NULL, ?)
     ON CONFLICT (purpose) DO UPDATE SET code = excluded.code, ticket = NULL, expires_at = excluded.expires_at`,
  );
  // Found by its hash: how long that takes says nothing of the code.
  const byCode = db.prepare('SELECT expires_at FROM owner_links WHERE purpose = ? AND code = ?').pluck();
  const byTicket = db.prepare('SELECT expires_at FROM owner_links WHERE purpose = ? AND ticket = ?').pluck();
  const follow = db.prepare(
    'UPDATE owner_links SET code = NULL, ticket = ?, expires_at = ? WHERE purpose = ? AND code = ?',
  );
  const remove = db.prepare('DELETE FROM owner_links WHERE purpose = ?');
  const removeExpired = db.prepare('DELETE FROM owner_links WHERE expires_at <= ?');
  const isLive = (expiresAt: unknown): boolean => typeof expiresAt === 'number' && !wall.hasPassed(expiresAt);

  return {
    issue(purpose) {
      const code = newLinkCode();
      return store.transaction(() => {
        const expiresAtMs = wall() + ONE_TIME_LINK_TTL_MS;
        put.run(purpose, tokenHash(code), expiresAtMs);
        const { credential, door } = OWNER_CLI;
        const detail = { expires_at: new Date(expiresAtMs).toISOString() };
        audit.record({ kind: ISSUED[purpose], credential, door, outcome: 'ok', detail });
        return { code, expiresAtMs };
      });
    },
    redeem(purpose, code) {
      return store.transaction(() => {
        const digest = tokenHash(code);
        if (!isLive(byCode.get(purpose, digest))) return err(noSuchLink());
        const ticket = newToken();
        const expiresAtMs = wall() + ONE_TIME_LINK_TTL_MS;
        follow.run(tokenHash(ticket), expiresAtMs, purpose, digest);
        return ok({ ticket, expiresAtMs });
      });
    },
    ticketLive: (purpose, ticket) => isLive(byTicket.get(purpose, tokenHash(ticket))),
    close: (purpose) => void remove.run(purpose),
    sweep: () => void removeExpired.run(wall()),
  };
}

export const noSuchLink = (): Refusal =>
  refuse('not_found', 'This link opens nothing: it was used, has expired or was replaced by a newer one.');
