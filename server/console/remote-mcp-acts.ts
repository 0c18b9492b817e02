/** What the owner does with one remote client: each form says what it takes, and what it changes. */
import { z } from 'zod';
import { SCOPES, type Scope } from '#domain/principal.ts';
import { fieldError, type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import { GRANTS_LISTED_MAX } from '#limits.ts';
import type { Approval, RemoteClient } from '#oauth/records.ts';
import { action, go, type Outcome, type OwnerVisit, refused } from './define.ts';
import { clientPath, REMOTE } from './remote-mcp-rows.ts';

const noFields = z.strictObject({});
/** Boxes: none ticked sends none. */
export const scopeBoxes = z
  .union([z.enum(SCOPES), z.array(z.enum(SCOPES)).max(SCOPES.length)])
  .default([])
  .transform((given) => [given].flat());

const approveInput = z.strictObject({
  /** An agent there is; '': a new one of this name. */
  agent: z.string().max(80),
  new_agent: z.string().max(80),
  scopes: scopeBoxes,
});

export function clientOf({ services, params }: OwnerVisit): Result<RemoteClient, Refusal> {
  const credential = params['credential'] ?? '';
  const found = services.remote.clients.list().find((one) => one.credential === credential);
  return found
    ? ok(found)
    : err(
        refuse(
          'not_found',
          'There is no such remote client; it may have been deleted, or has waited too long.',
        ),
      );
}

/** Back to the client with a notice, or the page again with why not. */
function after(done: Result<RemoteClient, Refusal>, notice: (client: RemoteClient) => string): Outcome {
  return done.ok ? go(clientPath(done.value.credential), notice(done.value)) : refused(done.error);
}

/** What the form says, before anything is done; a new agent must not turn out to be one that there is. */
function approvalFrom(visit: OwnerVisit, given: z.output<typeof approveInput>): Result<Approval, Refusal> {
  const found = clientOf(visit);
  if (!found.ok) return found;
  const { clientId, askedScopes } = found.value;
  const { access } = visit.services;
  const name = (given.agent || given.new_agent).trim();
  const wrong = (field: string, rule: string): Result<never, Refusal> =>
    err(refuse('invalid_input', `Nothing was approved: ${rule}.`, { errors: [fieldError(field, '', rule)] }));
  if (given.scopes.length === 0) return wrong('scopes', 'tick at least one thing that it may do');
  const beyond = given.scopes.filter((scope) => askedScopes.length > 0 && !askedScopes.includes(scope));
  if (beyond.length > 0) return wrong('scopes', `it did not ask for ${beyond.join(', ')}`);
  if (given.agent === '') {
    if (name !== '' && access.agents.byName(name) !== undefined)
      return wrong(
        'new_agent',
        'there is an agent of this name already; choose it in the list if you mean it',
      );
    const fits = name === '' ? ok(undefined) : access.agents.check(name, undefined);
    if (!fits.ok) return fits;
  } else if (access.agents.byName(given.agent) === undefined)
    return wrong('agent', 'there is no agent of this name any more');
  return ok({ clientId, ...(name === '' ? {} : { agent: name }), scopes: given.scopes, by: visit.owner });
}

export const approve = action({
  input: approveInput,
  proof: 'recent',
  check: approvalFrom,
  proves(visit, { agent, new_agent, scopes }) {
    const found = clientOf(visit);
    return found.ok
      ? `Let “${found.value.metadata.client_name}” in as ${agent || new_agent || 'a new agent'}: ${scopes.join(', ')}`
      : undefined;
  },
  run(visit, given) {
    const approval = approvalFrom(visit, given);
    if (!approval.ok) return refused(approval.error);
    return after(
      visit.services.remote.clients.approve(approval.value),
      ({ agent }) =>
        `Approved for the agent ${agent?.name ?? ''}. Press Continue in the page that the host opened, or connect again from the host.`,
    );
  },
});

/** Less than before takes nothing; anything more is like letting it in. */
const widens = (client: RemoteClient, scopes: readonly Scope[]): boolean =>
  scopes.some((scope) => !client.ceiling.includes(scope));

export const changeCeiling = action({
  input: z.strictObject({ scopes: scopeBoxes }),
  proof(visit, { scopes }) {
    const found = clientOf(visit);
    return found.ok && widens(found.value, scopes) ? 'recent' : 'none';
  },
  proves: (_visit, { scopes }) => `Let it hold ${scopes.join(', ')}`,
  run(visit, { scopes }, proved) {
    const found = clientOf(visit);
    if (!found.ok) return refused(found.error);
    // It may have been narrowed since the proof was judged not to be needed.
    if (proved === 'none' && widens(found.value, scopes)) return refused(CHANGED_MEANWHILE);
    const { clientId } = found.value;
    return after(
      visit.services.remote.clients.changeCeiling({ clientId, scopes, by: visit.owner }),
      ({ ceiling }) =>
        `It may hold ${ceiling.join(', ')} at most. Less acts from its next call on; what a connection was never given needs a new one.`,
    );
  },
});
const CHANGED_MEANWHILE = refuse(
  'invalid_input',
  'Nothing was changed, because what it may hold was changed meanwhile: look at it again.',
);

export const revoke = action({
  input: noFields,
  run(visit) {
    const found = clientOf(visit);
    if (!found.ok) return refused(found.error);
    const { clientId, state } = found.value;
    return after(visit.services.remote.clients.revoke(clientId, visit.owner), () =>
      state === 'pending'
        ? 'Rejected: it is not let in, however often it asks.'
        : 'Revoked: none of its tokens opens anything from now on.',
    );
  },
});

export const remove = action({
  input: noFields,
  run(visit) {
    const found = clientOf(visit);
    if (!found.ok) return refused(found.error);
    const removed = visit.services.remote.clients.remove(found.value.clientId, visit.owner);
    return removed.ok
      ? go(REMOTE, 'Deleted. Its host has to remove the connector and add it again before it can ask anew.')
      : refused(removed.error);
  },
});

export const disconnect = action({
  input: noFields,
  run(visit) {
    const found = clientOf(visit);
    if (!found.ok) return refused(found.error);
    const ended = visit.services.remote.clients.disconnect(found.value.clientId, visit.owner);
    if (!ended.ok) return refused(ended.error);
    return go(
      clientPath(found.value.credential),
      ended.value.grants === 0
        ? 'It was not connected.'
        : 'Disconnected. It stays approved, and needs your consent to connect again.',
    );
  },
});

export const endGrant = action({
  input: z.strictObject({ grant: z.string().max(80) }),
  run(visit, { grant }) {
    const found = clientOf(visit);
    if (!found.ok) return refused(found.error);
    const { clients } = visit.services.remote;
    const isOwn = (live: boolean): boolean =>
      clients
        .grants({ clientId: found.value.clientId, live, limit: GRANTS_LISTED_MAX })
        .some(({ grantId }) => grantId === grant);
    if (!isOwn(true) && !isOwn(false))
      return refused(refuse('not_found', 'This client has no such grant; nothing was changed.'));
    const ended = clients.endGrant(grant, visit.owner);
    return ended.ok
      ? go(clientPath(found.value.credential), 'The grant has ended: its tokens open nothing any more.')
      : refused(ended.error);
  },
});
