/** The human half of an authorization: decides what a person is shown, and carries out what they press. Markup is http's. */
import { randomBytes } from 'node:crypto';
import type { Access } from '#access/access.ts';
import type { AuditLog } from '#audit/log.ts';
import { type AccountId, accountId, OWNER_AT_CONSENT } from '#domain/principal.ts';
import { type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import type { AccountTable } from '#store/accounts.ts';
import type { Store } from '#store/open.ts';
import { openAnswered } from './answered.ts';
import {
  type ConsentAccount,
  type ConsentAgent,
  type Consented,
  type ConsentForm,
  type ConsentView,
  digestOf,
  judgeConsent,
  mandateView,
} from './consent.ts';
import { mayAsk } from './consent-approval.ts';
import type {
  InteractionPage,
  Interactions,
  PageCall,
  PageOutcome,
  SignInForm,
} from './interaction-pages.ts';
import type {
  AuthorizationServer,
  ConsentApproval,
  GrantLedger,
  InteractionAnswer,
  InteractionSeen,
} from './parts.ts';
import type { ClientDesk, ConnectionLog, RemoteClient, RemoteSettings } from './records.ts';

export interface InteractionParts {
  readonly store: Store;
  readonly audit: Pick<AuditLog, 'record' | 'recordRepeated'>;
  readonly access: Pick<Access, 'owner' | 'agents' | 'mandates' | 'epoch' | 'gatewayState' | 'wall'>;
  readonly accounts: Pick<AccountTable, 'byId'>;
  readonly clients: Pick<ClientDesk, 'find'>;
  readonly approval: ConsentApproval;
  readonly grants: Pick<GrantLedger, 'open'>;
  readonly server: Pick<AuthorizationServer, 'interaction' | 'finish'>;
  readonly connections: Pick<ConnectionLog, 'note'>;
  readonly settings: () => Pick<RemoteSettings, 'requireApproval'>;
}

/** An interaction that this browser holds, with its client as it stands. */
interface Found {
  readonly seen: InteractionSeen;
  readonly client: RemoteClient;
  /** The authority epoch that all of it was read in. */
  readonly epoch: number;
}

const EXPIRED: PageOutcome = { kind: 'over', why: 'expired' };
const HALTED: PageOutcome = { kind: 'over', why: 'halted' };
const WORDS = {
  denied: 'The owner of the gateway did not consent.',
  not_approved: 'The owner of the gateway has not approved this client yet.',
} as const;

export function openInteractions(parts: InteractionParts): Interactions {
  const { access, connections } = parts;
  const { withFound, answer } = openAnswers(parts);
  const isHalted = (): boolean => access.gatewayState() === 'HALTED';
  /** What stands in the way of a client, as things are now: it waits for the owner, or was turned down since. */
  const isHeld = ({ client }: Found): boolean => !mayAsk(client.state, parts.settings());
  function page(call: PageCall, found: Found, refusal?: Refusal): PageOutcome {
    return { kind: 'page', page: pageOf(parts, call, found, isHeld(found)), ...(refusal && { refusal }) };
  }

  const look = (call: PageCall): Promise<PageOutcome> =>
    withFound(call, (found) => {
      const goesOn = found.seen.prompt === 'approval' && !isHeld(found);
      return goesOn ? answer(call, { kind: 'again' }) : page(call, found);
    });

  async function signIn(call: PageCall, form: SignInForm, found: Found): Promise<PageOutcome> {
    if (found.seen.prompt !== 'login' || isHeld(found)) return page(call, found);
    const proof = { ...form, from: call.from, client: found.client.credential };
    const atMs = access.wall();
    const proved = await access.owner.proveSignIn(proof);
    connections.note('sign_in', noted(call, found), proved.ok ? 'ok' : proved.error.reason);
    // A hash takes its time: the gate may have dropped meanwhile.
    if (isHalted() || access.epoch() !== found.epoch) return HALTED;
    return proved.ok ? answer(call, { kind: 'signed_in', atMs }) : page(call, found, proved.error);
  }

  function consent(call: PageCall, form: ConsentForm, found: Found): PageOutcome | Promise<PageOutcome> {
    if (!mayConsent(found) || isHeld(found)) return page(call, found);
    const judged = judgeConsent(form, consentOf(parts, found), access.wall());
    if (!judged.ok) return page(call, found, judged.error);
    if (judged.value.scopes.length === 0) return deny(call, found, 'nothing_ticked');
    const granted = grant(parts, { call, found, form, consented: judged.value });
    connections.note('consent', noted(call, found), granted.ok ? 'ok' : granted.error.reason);
    if (granted.ok)
      return answer(call, { kind: 'granted', grantId: granted.value, scopes: judged.value.scopes });
    return isHalted() || access.epoch() !== found.epoch ? HALTED : page(call, found, granted.error);
  }

  function deny(call: PageCall, found: Found, why: 'denied' | 'nothing_ticked'): Promise<PageOutcome> {
    recordDenial(parts, found, why);
    connections.note('consent', noted(call, found), 'access_denied');
    return answer(call, { kind: 'refused', error: 'access_denied', description: WORDS.denied });
  }

  return {
    look,
    waits: (call) =>
      withFound(call, (found) => page(call, found)).then(
        (outcome) => outcome.kind === 'page' && isWaiting(outcome.page),
      ),
    goOn: look,
    back: (call) =>
      withFound(call, (found) => {
        connections.note('approval', noted(call, found), 'unauthorized_client');
        return answer(call, {
          kind: 'refused',
          error: 'unauthorized_client',
          description: WORDS.not_approved,
        });
      }),
    signIn: (call, form) => withFound(call, (found) => signIn(call, form, found)),
    consent: (call, form) => withFound(call, (found) => consent(call, form, found)),
    deny: (call) => withFound(call, (found) => deny(call, found, 'denied')),
  };
}

/** The owner may still say yes: where one has said no, nothing is to be waited for. */
const isWaiting = (page: InteractionPage): boolean =>
  page.kind === 'waiting' && page.client.state === 'pending';

/** Finding what a call is about, and answering it once. */
function openAnswers({ access, server, clients }: InteractionParts) {
  const answered = openAnswered();
  const isHalted = (): boolean => access.gatewayState() === 'HALTED';

  async function find({ request, response, uid }: PageCall): Promise<Found | undefined> {
    const epoch = access.epoch();
    const seen = await server.interaction(request, response);
    // Where the cookie is of another page than the address, it is another browser's, or planted.
    const client = seen?.uid === uid ? clients.find(seen.clientId) : undefined;
    // Who changes their passphrase ends what was begun with the one before.
    const isStale = (access.owner.record()?.passphraseChangedAtMs ?? 0) > (seen?.signedInAtMs ?? Infinity);
    return seen && client && !isStale ? { seen, client, epoch } : undefined;
  }
  async function withFound(
    call: PageCall,
    then: (found: Found) => PageOutcome | Promise<PageOutcome>,
  ): Promise<PageOutcome> {
    if (isHalted()) return HALTED;
    const found = await find(call);
    if (isHalted()) return HALTED;
    if (!found) return EXPIRED;
    const first = answered.of(call.uid);
    if (!first) return then(found);
    await first;
    return { kind: 'resume', path: resumePath(call.uid) };
  }
  /** The first answer counts; whoever sends another is sent the way of the first. */
  async function answer(call: PageCall, what: InteractionAnswer): Promise<PageOutcome> {
    const answering = server.finish(call.request, call.response, what);
    answered.mark(call.uid, answering);
    const sent = await answering;
    if (sent) return { kind: 'sent' };
    return isHalted() ? HALTED : EXPIRED;
  }
  return { withFound, answer };
}

function recordDenial({ store, audit }: InteractionParts, found: Found, why: string): void {
  const { credential } = found.client;
  const event = {
    kind: 'oauth.consent_denied',
    outcome: 'refused',
    detail: { reason: 'access_denied', why, client: credential },
  } as const;
  const { credential: owner, door } = OWNER_AT_CONSENT;
  if (mayConsent(found)) store.transaction(() => void audit.record({ ...event, credential: owner, door }));
  // Who has not signed in is nobody, and a flood of them is one line.
  else audit.recordRepeated({ ...event, credential, door: 'http' });
}

/** Where the authorization server goes on with an interaction that was answered. */
export const resumePath = (uid: string): string => `/oauth/authorize/${encodeURIComponent(uid)}`;

const mayConsent = ({ seen }: Found): boolean => seen.prompt === 'consent' && seen.signedInAtMs !== undefined;
const noted = (call: PageCall, { client }: Found) => ({
  clientId: client.clientId,
  address: call.from.address,
});

function pageOf(parts: InteractionParts, call: PageCall, found: Found, held: boolean): InteractionPage {
  const { seen, client } = found;
  const any = { uid: seen.uid, client, redirectUri: seen.redirectUri, expiresAtMs: seen.expiresAtMs };
  if (held || seen.prompt === 'approval') return { kind: 'waiting', ...any };
  if (mayConsent(found)) return { kind: 'consent', ...any, consent: consentOf(parts, found) };
  const { owner } = parts.access;
  const claimed = owner.record() !== undefined;
  return { kind: 'sign_in', ...any, claimed, asksForCode: owner.asksForCode(call.from) };
}

function consentOf(parts: InteractionParts, { seen, client }: Found): ConsentView {
  const agent = client.agent && agentOf(parts, client.agent);
  return {
    scopes: seen.scopes,
    agent,
    digest: digestOf(agent),
    codeForWriting: parts.access.owner.asksForRemoteCode(),
  };
}

function agentOf(parts: InteractionParts, { id, name }: NonNullable<RemoteClient['agent']>): ConsentAgent {
  const { agents, mandates, wall } = parts.access;
  const account = (one: AccountId): readonly ConsentAccount[] => {
    const known = parts.accounts.byId(one);
    return known ? [{ id: known.id, mode: known.mode, currency: known.currency }] : [];
  };
  const mandate = mandates.current(id);
  const traded = mandate?.document.accounts.map(accountId) ?? [];
  return {
    name,
    state: agents.stateOf(id).state,
    accounts: agents.accountsOf(id).flatMap(account),
    mandate: mandateView(mandate, traded.flatMap(account), wall()),
  };
}

interface Granting {
  readonly call: PageCall;
  readonly found: Found;
  readonly form: ConsentForm;
  readonly consented: Consented;
}

/** Undoes the commit that it is thrown in; what it says is told. */
class NotGranted extends Error {
  readonly refusal: Refusal;
  constructor(refusal: Refusal) {
    super(refusal.detail);
    this.refusal = refusal;
  }
}
function valueOf<T>(result: Result<T, Refusal>): T {
  if (result.ok) return result.value;
  throw new NotGranted(result.error);
}

/** Code, approval where the consent is one, and grant: one commit, or nothing of it. Gives the grant's id. */
function grant(parts: InteractionParts, granting: Granting): Result<string, Refusal> {
  try {
    return granted(parts, granting);
  } catch (cause) {
    if (cause instanceof NotGranted) return err(cause.refusal);
    throw cause;
  }
}

function granted(
  parts: InteractionParts,
  { call, found, form, consented }: Granting,
): Result<string, Refusal> {
  const { access, store } = parts;
  const { clientId, credential } = found.client;
  const commit = (steppedUpAtMs: number | null): string => {
    // Another process may have dropped the gate between the look and this commit.
    if (access.epoch() !== found.epoch || access.gatewayState() === 'HALTED')
      throw new NotGranted(gateIsDown());
    const isApproved = found.client.state === 'approved';
    const { agent } = isApproved ? found.client : valueOf(parts.approval.approveByConsent(clientId));
    if (agent === null) throw new Error('an approved client has no agent');
    const { scopes, expiresAtMs } = consented;
    const grantId = newGrantId();
    const grant = { grantId, clientId, agent: agent.id, scopes, steppedUpAtMs, expiresAtMs };
    return valueOf(parts.grants.open(grant)).grantId;
  };
  if (!consented.writes || !access.owner.asksForRemoteCode())
    return ok(store.transaction(() => commit(null)));
  // An empty field is no guess, and counts as none.
  if (!form.code) return err(codeMissing());
  const proof = { code: form.code ?? '', from: call.from, client: credential };
  return access.owner.proveCode(proof, () => commit(access.wall()));
}

/** 256 random bits: what a token names its grant by. */
const newGrantId = (): string => randomBytes(32).toString('base64url');

const codeMissing = (): Refusal =>
  refuse(
    'unauthenticated',
    'Nothing was granted: to let it trade, enter a fresh code from your authenticator app. Without one, take that tick away.',
  );
const gateIsDown = (): Refusal =>
  refuse(
    'trading_halted',
    'Nothing was granted: the kill switch was used. Begin again from the app when the gate is up.',
  );
