/** Mandates: the owner's word on how much an agent may do, versioned, with its symbols resolved to instruments. */
import type { JsonValue } from '#audit/event.ts';
import type { AuditLog } from '#audit/log.ts';
import type { Instrument } from '#domain/instrument.ts';
import { type Mandate, MandateDocument, mandateOf } from '#domain/mandate.ts';
import { type AgentId, accountId, type Owner } from '#domain/principal.ts';
import { type FieldError, fieldError, type Refusal, type RefusalReason, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import { MANDATE_ERRORS_MAX, MANDATE_HISTORY_MAX } from '#limits.ts';
import type { Store } from '#store/open.ts';
import type { AccountBook } from './agent-name.ts';
import { type Agents, actOn } from './agents.ts';
import { mandateErrors } from './mandate-errors.ts';
import { type OwnMandate, ownMandate } from './own-mandate.ts';
import type { Reducing } from './reducing.ts';
import type { SteadyWall } from './wall.ts';

export interface Mandates extends OwnMandate {
  /** Replaces the agent's mandate; refuses with every field that is wrong, and then changes nothing. */
  set(agentName: string, document: unknown, by: Owner): Result<Mandate, Refusal>;
  /** Whether a document would be taken as the mandate of some agent; changes nothing. */
  check(document: unknown): Result<unknown, Refusal>;
  /** The latest, expired or revoked ones too: look at `expiresAtMs` and `revokedAtMs`. undefined: never had one. */
  current(agent: AgentId): Mandate | undefined;
  /** The agent becomes REDUCING until it has a new mandate; revoking twice changes nothing. */
  revoke(agentName: string, by: Owner): Result<Mandate, Refusal>;
  /** Newest first: the owner's last MANDATE_HISTORY_MAX, and as many of the agent's, which push none of the owner's out. */
  history(agent: AgentId): readonly MandateVersion[];
}

export interface MandateVersion {
  readonly mandate: Mandate;
  readonly createdAtMs: number;
  /** An agent only ever makes its own mandate tighter. */
  readonly author: 'owner' | 'agent';
}

/**
 * Judges the tests that a mandate carries and names those that come out otherwise. The order line knows how; it is handed in, since
 * this room knows nothing of orders. Without a name nothing is said about whom the tests are for.
 */
export type MandateJudge = (mandate: Mandate, agentName: string | undefined) => readonly FieldError[];

export interface InstrumentResolver {
  /** What it names in the lists that these accounts trade from: one instrument in each list that has it. */
  resolve(symbol: string, accounts: readonly string[]): Result<readonly Instrument[], Refusal>;
}

interface MandateRow {
  readonly version: number;
  readonly document: string;
  readonly resolved: string;
  readonly created_at: number;
  readonly revoked_at: number | null;
  readonly author: MandateVersion['author'];
}

const AUTHORS = ['owner', 'agent'] as const satisfies readonly MandateVersion['author'][];

const isSame = (a: MandateRow, b: MandateRow): boolean =>
  a.version === b.version &&
  a.document === b.document &&
  a.resolved === b.resolved &&
  a.created_at === b.created_at &&
  a.revoked_at === b.revoked_at;

export interface MandateOptions {
  readonly store: Store;
  readonly audit: AuditLog;
  readonly wall: SteadyWall;
  readonly agents: Agents;
  readonly reducing: Reducing;
  readonly instruments: InstrumentResolver;
  readonly accounts: AccountBook;
  /** Absent: a mandate that carries tests is refused, because nobody can judge them. */
  readonly judge?: MandateJudge;
  /** Called after the commit of every change. */
  readonly changed: (agent: AgentId) => void;
}

export function openMandates(o: MandateOptions): Mandates {
  const { store, audit, wall, agents, reducing } = o;
  const sql = statements(store);
  /** The order line reads a mandate with every order: parsed once, and known again by its row, which a rollback may take back. */
  const parsed = new Map<AgentId, { readonly row: MandateRow; readonly mandate: Mandate }>();

  function current(agent: AgentId): Mandate | undefined {
    const known = parsed.get(agent);
    const still = known && (sql.stillLatest.get(agent, known.row.version) as MandateRow | undefined);
    const row = still ?? (sql.latest.get(agent) as MandateRow | undefined);
    if (!row) return undefined;
    if (known && isSame(known.row, row)) return known.mandate;
    const mandate = mandateFrom(row);
    parsed.set(agent, { row, mandate });
    return mandate;
  }
  function latest(agent: AgentId): Mandate {
    const found = current(agent);
    if (!found) throw new Error(`agent ${agent} has no mandate`);
    return found;
  }

  function saveByAgent(agent: AgentId, { version, document, instruments }: Mandate): void {
    const resolved = instruments === 'any' ? instruments : [...instruments];
    sql.insert.run(agent, version, JSON.stringify(document), JSON.stringify(resolved), wall(), 'agent');
  }

  return {
    set: (agentName, document, by) =>
      store.transaction(() => {
        const agent = agents.required(agentName);
        if (!agent.ok) return agent;
        const checked = checkMandate(document, o, agentName);
        if (!checked.ok) return checked;
        const { id } = agent.value;
        const before = current(id);
        const version = (before?.version ?? 0) + 1;
        const { document: stored, resolved } = checked.value;
        sql.insert.run(id, version, JSON.stringify(stored), JSON.stringify(resolved), wall(), 'owner');
        agents.grantAccounts(id, stored.accounts.map(accountId));
        reducing.clear(id, ['mandate_expired', 'mandate_revoked'], 'a new mandate');
        audit.record({
          kind: 'mandate.set',
          ...actOn(agentName, by),
          outcome: 'ok',
          detail: { version, before: before ? json(before.document) : null, after: json(stored) },
        });
        store.afterCommit(() => o.changed(id));
        return ok(latest(id));
      }),
    check: (document) => checkMandate(document, o),
    current,
    revoke: (agentName, by) =>
      store.transaction(() => {
        const agent = agents.required(agentName);
        if (!agent.ok) return agent;
        const { id } = agent.value;
        const before = current(id);
        if (!before) return err(refuse('no_mandate', `The agent ${agentName} has no mandate to revoke.`));
        if (before.revokedAtMs !== null) return ok(before);
        sql.revoke.run(wall(), id, before.version);
        reducing.set(id, 'mandate_revoked', null);
        audit.record({
          kind: 'mandate.revoked',
          ...actOn(agentName, by),
          outcome: 'ok',
          detail: { version: before.version, before: json(before.document), after: null },
        });
        store.afterCommit(() => o.changed(id));
        return ok(latest(id));
      }),
    ...ownMandate(o, { current, save: saveByAgent }),
    history: (agent) =>
      AUTHORS.flatMap((author) => sql.history.all(agent, author, MANDATE_HISTORY_MAX) as MandateRow[])
        .sort((a, b) => b.version - a.version)
        .map((row) => ({ mandate: mandateFrom(row), createdAtMs: row.created_at, author: row.author })),
  };
}

const NONE_LATER = `NOT EXISTS
  (SELECT 1 FROM mandates later WHERE later.agent_id = mandates.agent_id AND later.version > mandates.version)`;

function statements(store: Store) {
  const { db } = store;
  return {
    // Not by ORDER BY and LIMIT: SQLite plans those anew whenever a value is bound.
    latest: db.prepare(`SELECT * FROM mandates WHERE agent_id = ? AND ${NONE_LATER}`),
    // An agent that makes its mandate tighter again and again has many versions, and they are not all looked at with every order.
    stillLatest: db.prepare(`SELECT * FROM mandates WHERE agent_id = ? AND version = ? AND ${NONE_LATER}`),
    history: db.prepare(
      'SELECT * FROM mandates WHERE agent_id = ? AND author = ? ORDER BY version DESC LIMIT ?',
    ),
    insert: db.prepare(
      'INSERT INTO mandates (agent_id, version, document, resolved, created_at, author) VALUES (?, ?, ?, ?, ?, ?)',
    ),
    revoke: db.prepare('UPDATE mandates SET revoked_at = ? WHERE agent_id = ? AND version = ?'),
  };
}

/** Stored documents pass the schema again: a row that was edited by hand fails here, not in the order line. */
function mandateFrom(row: MandateRow): Mandate {
  return mandateOf(MandateDocument.parse(JSON.parse(row.document)), {
    version: row.version,
    resolved: JSON.parse(row.resolved) as readonly string[] | 'any',
    revokedAtMs: row.revoked_at,
  });
}

const json = (document: MandateDocument): JsonValue => JSON.parse(JSON.stringify(document)) as JsonValue;

/** A mandate that is over when it is given is a slip; whoever means to end one revokes it. */
const OVER = 'a time that is still to come, or null; to end a mandate, revoke it';

interface CheckedMandate {
  readonly document: MandateDocument;
  readonly resolved: readonly string[] | 'any';
}

function checkMandate(
  given: unknown,
  o: Pick<MandateOptions, 'instruments' | 'accounts' | 'judge' | 'wall'>,
  agentName?: string,
): Result<CheckedMandate, Refusal> {
  const parsed = MandateDocument.safeParse(given);
  if (!parsed.success) return err(invalid(mandateErrors(parsed.error.issues, given), 'invalid_input'));
  const document = parsed.data;
  const { expires_at: end } = document;
  if (end !== null && Date.parse(end) <= o.wall())
    return err(invalid([fieldError('expires_at', end, OVER)], 'invalid_input'));
  const accountErrors = wrongAccounts(document.accounts, o.accounts);
  const found =
    document.symbols[0] === '*'
      ? []
      : document.symbols.map((symbol) => o.instruments.resolve(symbol, document.accounts));
  const symbolErrors: FieldError[] = [];
  const reasons = new Set<RefusalReason>();
  const known: Instrument[] = [];
  for (const [index, result] of found.entries()) {
    if (result.ok) {
      known.push(...result.value);
      continue;
    }
    reasons.add(result.error.reason);
    const suggestion = result.error.did_you_mean?.[0] ?? null;
    symbolErrors.push(
      fieldError(`symbols.${index}`, document.symbols[index], result.error.detail, suggestion),
    );
  }
  if (accountErrors.length > 0) return err(invalid([...accountErrors, ...symbolErrors], 'invalid_input'));
  if (symbolErrors.length > 0) {
    const [reason = 'invalid_input'] = reasons;
    return err(invalid(symbolErrors, reasons.size === 1 ? reason : 'invalid_input'));
  }
  const classes = document.asset_classes ?? [...new Set(known.map((instrument) => instrument.assetClass))];
  const ids = [...new Set(known.map((instrument) => instrument.id))];
  const checked: CheckedMandate = {
    document: { ...document, asset_classes: classes },
    resolved: document.symbols[0] === '*' ? 'any' : ids,
  };
  const broken = brokenTests(checked, o.judge, agentName);
  return broken.length === 0 ? ok(checked) : err(invalid(broken, 'invalid_input'));
}

function brokenTests(
  { document, resolved }: CheckedMandate,
  judge: MandateJudge | undefined,
  agentName: string | undefined,
): readonly FieldError[] {
  if (document.tests === undefined) return [];
  if (judge === undefined)
    return [fieldError('tests', document.tests, 'nothing: nobody can judge tests here')];
  return judge(mandateOf(document, { version: 0, resolved, revokedAtMs: null }), agentName);
}

/** Values are in the account's currency, so accounts of two currencies can not share limits. */
function wrongAccounts(names: readonly string[], book: AccountBook): readonly FieldError[] {
  const currencies = new Map(names.map((name) => [name, book.currencyOf(accountId(name))]));
  const missing = names.filter((name) => currencies.get(name) === undefined);
  if (missing.length > 0) {
    return missing.map((name) =>
      fieldError(`accounts.${names.indexOf(name)}`, name, 'an account of this gateway (see `accounts list`)'),
    );
  }
  if (new Set(currencies.values()).size <= 1) return [];
  const shown = [...currencies].map(([name, currency]) => `${name} is in ${String(currency)}`).join(', ');
  return [fieldError('accounts', names, `accounts of one currency: ${shown}`)];
}

function invalid(errors: readonly FieldError[], reason: RefusalReason): Refusal {
  const shown = errors.slice(0, MANDATE_ERRORS_MAX);
  const suggestions = [...new Set(shown.flatMap((error) => error.nearest ?? []))];
  const first = shown[0];
  const where = first ? ` ${first.field || 'mandate'}: ${first.rule}` : '';
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : '';
  return refuse(reason, `The mandate was not saved.${where}${more}.`, {
    errors: shown,
    ...(suggestions.length === 0 ? {} : { did_you_mean: suggestions }),
  });
}
