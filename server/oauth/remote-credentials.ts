/** Who presents an access token: signature, then the ledger as it stands, on every call; remembered while nothing changes. */
import { hash } from 'node:crypto';
import type { Access } from '#access/access.ts';
import { shownAddress } from '#access/address.ts';
import { haltedByKill, type Presentation } from '#access/authenticate.ts';
import type { RemoteCredentials } from '#access/remote.ts';
import type { AuditLog } from '#audit/log.ts';
import type { Principal } from '#domain/principal.ts';
import { type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import { ACCESS_TOKENS_REMEMBERED_MAX, GRANT_USE_SAVE_INTERVAL_MS } from '#limits.ts';
import { type AccessToken, readAccessToken, type TokenFault } from './access-token.ts';
import type { Grants, Standing } from './grants.ts';
import type { ConnectionLog } from './records.ts';
import type { SigningKeys } from './signing-keys.ts';

export interface RemoteCredentialOptions {
  readonly audit: Pick<AuditLog, 'recordRepeated'>;
  readonly access: Pick<Access, 'gatewayState' | 'wall' | 'changes'>;
  readonly grants: Pick<Grants, 'standing' | 'used'>;
  readonly keys: Pick<SigningKeys, 'publicKey' | 'onChange'>;
  readonly connections: Pick<ConnectionLog, 'note'>;
  /** Origin, without a path; the resource is its /mcp. */
  readonly publicUrl: URL;
}

/** A token that was let in, and until when nothing but a change of the database can shut it out. */
interface LetIn {
  readonly principal: Result<Principal, never>;
  readonly untilMs: number;
}
type Denial = { readonly refusal: Refusal; readonly why: TokenFault | 'expired' | 'ended' | 'halted' };

export function openRemoteCredentials(o: RemoteCredentialOptions): RemoteCredentials {
  const { access, grants } = o;
  const { wall, changes } = access;
  const read = tokenReader(o);
  /** By digest, door and address; good for one state of the database. */
  const letIn = new Map<string, LetIn>();
  let letInAt = Number.NaN;
  o.keys.onChange(() => letIn.clear());

  function remembered(name: string, at: number): LetIn | undefined {
    if (at === letInAt) return letIn.get(name);
    letIn.clear();
    letInAt = at;
    return undefined;
  }
  function denied({ refusal, why }: Denial, from: Presentation, token?: AccessToken): Result<never, Refusal> {
    o.connections.note('first_call', subjectOf(from, token), refusal.reason);
    o.audit.recordRepeated({
      kind: 'auth.denied',
      door: from.door,
      ...(token === undefined ? {} : namesOf(grants.standing(token.grantId))),
      outcome: 'refused',
      detail: {
        reason: refusal.reason,
        why,
        ...(token === undefined ? {} : { grant: token.grantId }),
        address: from.address === undefined ? null : shownAddress(from.address),
      },
    });
    return err(refusal);
  }
  function admit(token: AccessToken, { grant, ...standing }: Standing, from: Presentation): LetIn {
    const useToSaveAtMs = (grant.lastUsedAtMs ?? Number.NEGATIVE_INFINITY) + GRANT_USE_SAVE_INTERVAL_MS;
    if (wall() >= useToSaveAtMs) {
      grants.used(grant.grantId);
      o.connections.note('first_call', subjectOf(from, token), 'ok');
    }
    const principal = ok<Principal>({
      kind: 'agent',
      agent: grant.agent,
      agentName: standing.agentName,
      credential: standing.credential,
      grant: grant.grantId,
      door: from.door,
      scopes: new Set(standing.scopes.filter((scope) => token.scopes.includes(scope))),
      epoch: token.epoch,
      ...(from.address === undefined ? {} : { address: from.address }),
    });
    return { principal, untilMs: Math.min(token.expiresAtMs, grant.expiresAtMs, useToSaveAtMs) };
  }

  return {
    authenticate(given, from) {
      const digest = hash('sha256', given, 'buffer').toString('latin1');
      const name = `${digest} ${from.door} ${from.address ?? ''}`;
      const at = changes.now();
      const known = remembered(name, at);
      if (known && wall() < known.untilMs) return known.principal;
      const token = read(given, digest);
      if (!token.ok) return denied({ refusal: notValid(), why: token.error }, from);
      const standing = check(token.value, o);
      if (!standing.ok) return denied(standing.error, from, token.value);
      const admitted = admit(token.value, standing.value, from);
      if (letIn.size >= ACCESS_TOKENS_REMEMBERED_MAX) letIn.clear();
      // Not when the check itself has written: what is remembered belongs to the state it was read from.
      if (changes.now() === at) letIn.set(name, admitted);
      return admitted.principal;
    },
    standsUntil: (who) => standsUntil(who, grants.standing(who.grant ?? '')),
  };
}

/** What a good signature says is remembered by the token's digest: it does not change while its key does not. */
function tokenReader({ keys, publicUrl }: RemoteCredentialOptions) {
  const rules = {
    issuer: publicUrl.origin,
    audience: new URL('/mcp', publicUrl).href,
    publicKey: (kid: string) => keys.publicKey(kid),
  };
  const known = new Map<string, AccessToken>();
  keys.onChange(() => known.clear());
  return (given: string, digest: string): Result<AccessToken, TokenFault> => {
    const before = known.get(digest);
    if (before) return ok(before);
    const token = readAccessToken(given, rules);
    if (!token.ok) return token;
    if (known.size >= ACCESS_TOKENS_REMEMBERED_MAX) known.clear();
    known.set(digest, token.value);
    return token;
  };
}

/** Everything there is to look at beside the signature, at the database as it stands. */
function check(
  token: AccessToken,
  { access, grants }: Pick<RemoteCredentialOptions, 'access' | 'grants'>,
): Result<Standing, Denial> {
  if (access.wall.hasPassed(token.expiresAtMs)) return err({ refusal: notValid(), why: 'expired' });
  const halted = haltedByKill(access);
  if (halted) return err({ refusal: halted, why: 'halted' });
  // A grant that stands is of the present epoch.
  const standing = grants.standing(token.grantId);
  if (!standing.ok) return err({ refusal: standing.error, why: 'ended' });
  const { clientId, epoch } = standing.value.grant;
  return clientId === token.clientId && epoch === token.epoch
    ? standing
    : err({ refusal: notValid(), why: 'claims' });
}

function standsUntil(who: Principal, standing: Result<Standing, Refusal>): Result<number, Refusal> {
  if (!standing.ok) return standing;
  const { grant, credential, scopes } = standing.value;
  if (grant.agent !== who.agent || credential !== who.credential) return err(notValid());
  for (const scope of who.scopes) if (!scopes.includes(scope)) return err(narrowed(scope));
  return ok(grant.expiresAtMs);
}

const subjectOf = ({ address }: Presentation, token?: AccessToken) => ({
  ...(token === undefined ? {} : { clientId: token.clientId }),
  ...(address === undefined ? {} : { address }),
});

const namesOf = (standing: Result<Standing, Refusal>) =>
  standing.ok ? { agent: standing.value.agentName, credential: standing.value.credential } : {};

const notValid = (): Refusal =>
  refuse('unauthenticated', 'This access token is not valid here, or no longer; connect again.');
const narrowed = (scope: string): Refusal =>
  refuse('insufficient_scope', `The owner has taken ${scope} from this client since; ask the owner.`);
