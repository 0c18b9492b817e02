/** Who is calling and what they may do: agents, keys, mandates, trading states, the authority epoch and rates, as one room. */
import type { AuditLog } from '#audit/log.ts';
import type { AgentId, Principal } from '#domain/principal.ts';
import type { Refusal } from '#domain/refusal.ts';
import type { Result } from '#domain/result.ts';
import type { Clock } from '#ports.ts';
import { type Changes, openChanges } from '#store/changes.ts';
import type { Keyring } from '#store/keyring.ts';
import type { Store } from '#store/open.ts';
import { type AccountBook, LOCAL_AGENT } from './agent-name.ts';
import { type AgentState, agentStates } from './agent-state.ts';
import { type Agents, openAgents } from './agents.ts';
import { type ApiKeys, type NewKey, openApiKeys } from './api-keys.ts';
import { type KeyCheck, openKeyCheck, type Presentation } from './authenticate.ts';
import { type Authority, openAuthority } from './authority.ts';
import { type EquipRequest, openEquip } from './equip.ts';
import { type FirstRun, openFirstRun } from './first-run.ts';
import { keyTable } from './key-table.ts';
import { localAgent } from './local-agent.ts';
import { type InstrumentResolver, type MandateJudge, type Mandates, openMandates } from './mandates.ts';
import { type OwnerAccess, openOwner } from './owner.ts';
import type { PassphraseCost } from './owner-passphrase.ts';
import { limitsOf, openRateLimiter, type RateLimiter, type Rates } from './rate.ts';
import {
  LIFTED_REASONS,
  openReducing,
  REDUCING_REASONS,
  type ReducingReason,
  type ReducingRow,
} from './reducing.ts';
import type { RemoteCredentials } from './remote.ts';
import { openStillLive } from './still-live.ts';
import { type OwnerCalendar, ownerCalendar } from './trading-hours.ts';
import { type SteadyWall, steadyWall } from './wall.ts';

export interface Access extends Omit<Authority, 'gatewayReason'>, OwnerCalendar {
  readonly agents: Omit<Agents, 'createLocal' | 'required' | 'grantAccounts'> & {
    /** The strictest of the gateway's and the agent's own state. */
    stateOf(id: AgentId): AgentState;
    /** Inside a transaction, audited; true when this is news, so that adding orders are to be canceled. */
    setReducing(id: AgentId, reason: ReducingReason, day: string | null): boolean;
    /** Inside a transaction, audited. An expired or revoked mandate goes on to reduce until there is a new one. */
    clearReducing(id: AgentId, why: string): void;
    /** Every reason at once; `stateOf` tells the first. */
    reducingOf(id: AgentId): readonly ReducingRow[];
  };
  readonly keys: ApiKeys & Pick<KeyCheck, 'authenticate'>;
  /** A token is no key: until somebody checks tokens it is refused as whatever else is none. */
  readonly remote: { authenticate(token: string, from: Presentation): Result<Principal, Refusal> };
  /** Lets remote clients in that this finds good; until then no grant stands, and whoever was let in by one is `credential_revoked`. */
  servesRemote(check: RemoteCredentials): void;
  /** A new agent with its accounts, mandate and first key in one commit, or nothing of it. */
  equip(request: EquipRequest): Result<NewKey, Refusal>;
  /** The stdio door without a key. */
  localPrincipal(): Result<Principal, Refusal>;
  /** Synchronous; the order line asks again inside its transaction. */
  stillLive(who: Principal): Result<void, Refusal>;
  readonly mandates: Mandates;
  readonly owner: OwnerAccess;
  readonly firstRun: FirstRun;
  readonly rate: Pick<RateLimiter, 'take'>;
  /** Other rates from here on. */
  changeRates(rates: Partial<Rates>): void;
  /** Wall time that never goes back, epoch ms. */
  readonly wall: SteadyWall;
  /** What was read of the database is good for as long as this says. */
  readonly changes: Changes;
  /** Called after the commit, with every mandate that is set, revoked or found expired. */
  onMandateChange(listener: (agent: AgentId) => void): void;
  /** Saves what is still in memory (rates). */
  close(): void;
}

export interface AccessOptions {
  readonly store: Store;
  readonly audit: AuditLog;
  readonly clock: Clock;
  /** Seals the seed of the owner's authenticator. */
  readonly keyring: Keyring;
  /** IANA zone of mandate days (PORTCULLIS_TIMEZONE). */
  readonly timezone: string;
  readonly instruments: InstrumentResolver;
  readonly accounts: AccountBook;
  /** Judges the tests that mandates carry; absent: such a mandate is refused. */
  readonly judge?: MandateJudge;
  /** PORTCULLIS_RATE_LIMIT_… and MCP_RATE_LIMIT_…; the buckets of reduce tools are as large as those of writes. */
  readonly rates?: Partial<Rates>;
  /** What hashing a passphrase costs; PASSPHRASE_COST. */
  readonly passphraseCost?: PassphraseCost;
}

export function openAccess(o: AccessOptions): Access {
  const { store, audit, clock, accounts } = o;
  const wall = steadyWall(store, clock);
  const calendar = ownerCalendar(o.timezone);
  const mandateListeners: ((agent: AgentId) => void)[] = [];
  const changed = (agent: AgentId): void => {
    for (const listener of mandateListeners) listener(agent);
  };
  const changes = openChanges(store, clock);
  const authority = openAuthority({ store, audit, changes });
  const agents = openAgents({ store, audit, wall, accounts });
  const table = keyTable(store);
  const keys = openApiKeys({ store, audit, wall, agents, table });
  const keyCheck = openKeyCheck({ store, audit, wall, authority, table, changes });
  const reducing = openReducing({ store, audit, wall });
  const mandates = openMandates({ ...o, wall, agents, reducing, changed });
  const local = localAgent({ store, audit, agents, mandates, authority, accounts });
  let remote: RemoteCredentials | undefined;
  const stillLive = openStillLive({ authority, keys: keyCheck, agents, changes, wall, remote: () => remote });
  const limiter = openRateLimiter({ store, clock, wall, limits: limitsOf(o.rates ?? {}) });
  const states = agentStates({ store, wall, calendar, authority, agents, reducing, mandates, changed });

  /** The owner may speak of the stdio door's agent before its first use. */
  const known = (name: string): string => (name === LOCAL_AGENT ? local.ensure().name : name);

  return {
    ...authority,
    ...calendar,
    agents: {
      ...agents,
      halt: (name, by, reason) => agents.halt(known(name), by, reason),
      lift: (name, by) =>
        store.transaction(() => {
          const lifted = agents.lift(known(name), by);
          if (lifted.ok) reducing.clear(lifted.value.id, LIFTED_REASONS, 'lifted by the owner');
          return lifted;
        }),
      ...states,
      setReducing: (id, reason, day) => reducing.set(id, reason, day),
      clearReducing: (id, why) => reducing.clear(id, REDUCING_REASONS, why),
      reducingOf: (id) => reducing.of(id),
    },
    keys: { ...keys, authenticate: (presented, from) => keyCheck.authenticate(presented, from) },
    remote: { authenticate: (token, from) => (remote ?? keyCheck).authenticate(token, from) },
    servesRemote(check) {
      remote = check;
      // Whoever was found dead or alive before is looked at anew.
      changes.forget();
    },
    equip: openEquip({ store, agents, keys, mandates }),
    localPrincipal: () => local.principal(),
    stillLive,
    mandates: {
      ...mandates,
      set: (name, document, by) => mandates.set(known(name), document, by),
      revoke: (name, by) => mandates.revoke(known(name), by),
    },
    owner: openOwner({ ...o, wall }),
    firstRun: openFirstRun(store, audit),
    rate: limiter,
    changeRates: (next) => limiter.change(limitsOf(next)),
    wall,
    changes,
    onMandateChange: (listener) => void mandateListeners.push(listener),
    close: () => limiter.flush(),
  };
}
