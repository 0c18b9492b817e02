/** The ledger of grants: what each consent is worth at this moment, and every way in which one ends. */
import type { Access } from '#access/access.ts';
import type { AuditLog } from '#audit/log.ts';
import { agentId, isReadScope, OWNER_AT_CONSENT, type Scope } from '#domain/principal.ts';
import { type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import { GRANT_TTL_MAX_MS, GRANT_USE_SAVE_INTERVAL_MS } from '#limits.ts';
import type { Clock } from '#ports.ts';
import type { Store } from '#store/open.ts';
import { actorOf, endedOf, grantEndings, unlessBroken } from './grant-endings.ts';
import { type GrantRow, type GrantTable, grantOf, grantTable, scopesIn } from './grant-table.ts';
import type { GrantLedger, NewGrant } from './parts.ts';
import type { RemoteGrant } from './records.ts';

/** What a grant is worth now. */
export interface Standing {
  readonly grant: RemoteGrant;
  readonly agentName: string;
  /** `client_…`. */
  readonly credential: string;
  /** Granted ∩ what its client may hold ∩ what is enabled; writing only with a code shown for it, where the owner asks for one. */
  readonly scopes: readonly Scope[];
}

export interface Grants extends GrantLedger {
  /** Without effect, from the database as it stands; or why it opens nothing. */
  standing(grantId: string): Result<Standing, Refusal>;
  /** The latest first. */
  list(o: {
    readonly clientId?: string;
    readonly live?: boolean;
    readonly limit: number;
  }): readonly RemoteGrant[];
  /** What remote clients may hold from here on. A grant that holds more is over, and stays so when it is enabled again. */
  enable(scopes: readonly Scope[]): void;
  enabled(): readonly Scope[];
  /** Writes down what has ended by itself (expired, or of before a kill), and forgets what ended long ago. */
  sweep(): void;
  close(): void;
}

export interface GrantOptions {
  readonly store: Store;
  readonly audit: Pick<AuditLog, 'record'>;
  readonly clock: Pick<Clock, 'after'>;
  readonly access: Pick<Access, 'epoch' | 'gatewayState' | 'wall' | 'onEpochChange'> & {
    readonly owner: Pick<Access['owner'], 'record'>;
  };
  /** What remote clients may hold at all; none while remote MCP is off. */
  readonly enabled: readonly Scope[];
}

export function openGrants(o: GrantOptions): Grants {
  const { store, audit, access } = o;
  const table = grantTable(store);
  let enabled = o.enabled;
  const worth = { table, access, enabled: () => enabled };
  const endings = grantEndings({ ...o, table });
  const { endThose, endAll, sweep } = endings;
  const seen = (row: GrantRow): RemoteGrant => ({ ...grantOf(row), ended: endedOf(row, access) });

  function settle(): void {
    const holdsMore = (row: GrantRow): boolean =>
      scopesIn(row.scopes).some((scope) => !enabled.includes(scope));
    if (enabled.length === 0) endAll('remote_off');
    else endThose(() => table.standing().filter(holdsMore), 'write_off');
  }

  return {
    open: (given) => store.transaction(() => openOne(given, { ...worth, audit })),
    find(grantId) {
      const row = table.find(grantId);
      return row && seen(row);
    },
    end(grantId, reason, by) {
      const row = table.find(grantId);
      return row !== undefined && endThose(() => [row], reason, by) === 1;
    },
    endOf: (clientId, reason, by) => endThose(() => table.standing(clientId), reason, by),
    endAll,
    narrow: (clientId, ceiling, by) =>
      store.transaction(() => {
        const kept = (row: GrantRow): readonly Scope[] =>
          scopesIn(row.scopes).filter((scope) => ceiling.includes(scope));
        endThose(() => table.standing(clientId).filter((row) => kept(row).length === 0), 'owner', by);
        for (const row of table.standing(clientId)) table.narrow(row.grant_id, kept(row));
      }),
    live: (clientId) => table.standing(clientId).map(seen).filter(isLive),
    // However many have ended since, one that lives is among those that live.
    list: ({ live, ...which }) =>
      (live ? table.standing(which.clientId) : table.list(which))
        .map(seen)
        .filter((grant) => live === undefined || live === isLive(grant))
        .slice(0, which.limit),
    used(grantId) {
      const row = table.find(grantId);
      const nowMs = access.wall();
      const recent = (row?.last_used_at ?? Number.NEGATIVE_INFINITY) > nowMs - GRANT_USE_SAVE_INTERVAL_MS;
      if (row && !recent) unlessBroken(() => store.transaction(() => table.used(grantId, nowMs)));
    },
    standing: (grantId) => standingOf(grantId, worth),
    issuable(grantId) {
      const found = standingOf(grantId, worth);
      if (!found.ok) return found;
      const { grant } = found.value;
      return lacksProof(grant, access) ? err(notProved()) : ok(grant);
    },
    enable(scopes) {
      // First what both allow: what ended under the one must not come back with the other, and less holds even if nothing
      // can be written.
      enabled = enabled.filter((scope) => scopes.includes(scope));
      settle();
      enabled = scopes;
    },
    enabled: () => enabled,
    sweep,
    close: () => endings.close(),
  };
}

const isLive = ({ ended }: RemoteGrant): boolean => ended === null;

interface Worth {
  readonly table: GrantTable;
  readonly access: GrantOptions['access'];
  readonly enabled: () => readonly Scope[];
}

function standingOf(grantId: string, { table, access, enabled }: Worth): Result<Standing, Refusal> {
  const row = table.find(grantId);
  if (!row) return err(refuse('credential_revoked', 'This connection is no longer known; connect again.'));
  const ended = endedOf(row, access);
  if (ended) return err(refuse('credential_revoked', ENDED_WORDS[wordsFor(ended.reason)]));
  const client = table.client(row.client_id);
  if (client?.state !== 'approved' || client.agent_id !== row.agent_id)
    return err(refuse('credential_revoked', 'The owner no longer approves of this client; ask the owner.'));
  const agentName = table.agentName(agentId(row.agent_id));
  if (agentName === undefined)
    return err(refuse('credential_revoked', 'The agent of this connection is gone; ask the owner.'));
  const grant: RemoteGrant = { ...grantOf(row), ended: null };
  const ceiling = scopesIn(client.ceiling);
  const mayWrite = !lacksProof(grant, access);
  const scopes = grant.scopes.filter(
    (scope) => ceiling.includes(scope) && enabled().includes(scope) && (isReadScope(scope) || mayWrite),
  );
  return ok({ grant, agentName, credential: client.credential, scopes });
}

/** It may write, the owner wants a code for that, and none was shown: the purpose was switched on after the consent. */
const lacksProof = (grant: Pick<RemoteGrant, 'scopes' | 'steppedUpAtMs'>, access: GrantOptions['access']) =>
  grant.steppedUpAtMs === null &&
  !grant.scopes.every(isReadScope) &&
  access.owner.record()?.purposes.has('remote_write') === true;

const notProved = (): Refusal =>
  refuse(
    'credential_revoked',
    "Writing needs a code of the owner's authenticator, and this connection was made without one; connect again.",
  );

function openOne(
  given: NewGrant,
  { table, access, enabled, audit }: Worth & Pick<GrantOptions, 'audit'>,
): Result<RemoteGrant, Refusal> {
  if (access.gatewayState() === 'HALTED')
    return err(
      refuse('trading_halted', 'The owner stopped the gateway; nothing is granted until it goes on.'),
    );
  const client = table.client(given.clientId);
  if (client?.state !== 'approved' || client.agent_id !== given.agent)
    return err(
      refuse('credential_revoked', 'The owner does not approve of this client; nothing was granted.'),
    );
  const allowed = scopesIn(client.ceiling).filter((scope) => enabled().includes(scope));
  if (given.scopes.length === 0 || !given.scopes.every((scope) => allowed.includes(scope)))
    return err(
      refuse('insufficient_scope', 'More was ticked than this client may hold; nothing was granted.'),
    );
  if (lacksProof(given, access)) return err(notProved());
  const createdAtMs = access.wall();
  if (given.expiresAtMs <= createdAtMs || given.expiresAtMs > createdAtMs + GRANT_TTL_MAX_MS)
    throw new RangeError('a grant ends between now and 180 days from now');
  table.insert({ ...given, epoch: access.epoch(), createdAtMs });
  const row = table.find(given.grantId);
  if (!row) throw new Error('the grant that was written a moment ago is not there');
  audit.record({
    kind: 'oauth.granted',
    ...actorOf(table, row, OWNER_AT_CONSENT),
    outcome: 'ok',
    detail: {
      grant: given.grantId,
      client: client.credential,
      scopes: [...given.scopes],
      expires_at: new Date(given.expiresAtMs).toISOString(),
      stepped_up: given.steppedUpAtMs !== null,
    },
  });
  return ok({ ...grantOf(row), ended: null });
}

type Ended = NonNullable<RemoteGrant['ended']>['reason'];
const ENDED_WORDS = {
  killed: 'The owner stopped the gateway, which ended every connection; connect again.',
  expired: 'The time that the owner gave this connection is over; connect again.',
  reused: 'A token of this connection was used twice, which ended it; connect again.',
  write_off: 'The owner switched writing off, which ended every connection that could; connect again.',
  lapsed: 'This connection was not used until its refresh token ran out; connect again.',
  ended: 'This connection was ended; connect again, or ask the owner.',
} as const;
function wordsFor(reason: Ended): keyof typeof ENDED_WORDS {
  if (reason === 'killed' || reason === 'expired' || reason === 'write_off' || reason === 'lapsed')
    return reason;
  return reason === 'token_reused' || reason === 'code_replayed' ? 'reused' : 'ended';
}
