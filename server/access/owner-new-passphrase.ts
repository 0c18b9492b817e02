/** A new passphrase: by the one before, or by a link from the command line for who has forgotten it. */
import { type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import type { OwnerAccess } from './owner.ts';
import { bucket, visitorBuckets } from './owner-lockout.ts';
import {
  admit,
  deadTicket,
  type OwnerParts,
  redeemLink,
  refused,
  spendCode,
  sweep,
  type Try,
  type Wrong,
} from './owner-parts.ts';
import { refusedPassphrase } from './owner-passphrase.ts';
import { checkPassphrase, fits, type HashedTry, PROOF_BUCKET } from './owner-proof.ts';
import { OWNER_ON_RECORD } from './owner-sessions.ts';
import { purposesOf } from './owner-table.ts';

type NewPassphrase = Pick<
  OwnerAccess,
  'changePassphrase' | 'issueResetLink' | 'redeemResetCode' | 'resetTicketLive' | 'resetPassphrase'
>;

const RESET_BUCKET = bucket('reset');

export function openNewPassphrase(parts: OwnerParts): NewPassphrase {
  const { table, links } = parts;
  return {
    changePassphrase: (o) => changePassphrase(parts, o),
    issueResetLink() {
      table.required();
      return links.issue('reset');
    },
    redeemResetCode: (code, from) => redeemLink(parts, 'reset', code, from),
    resetTicketLive: (ticket) => links.ticketLive('reset', ticket),
    resetPassphrase: (o) => resetPassphrase(parts, o),
  };
}

async function changePassphrase(
  parts: OwnerParts,
  o: Parameters<NewPassphrase['changePassphrase']>[0],
): Promise<Result<void, Refusal>> {
  const { store, table } = parts;
  const one: HashedTry = {
    proofFor: 'change',
    buckets: [PROOF_BUCKET],
    lane: 'known',
    door: 'console',
    answer: 'Nothing was changed: the current passphrase is another one. Try again.',
  };
  const bad = refusedNext(o.next, table.required().name, o.current);
  if (bad) return err(bad);
  const checked = await checkPassphrase(parts, o.current, one);
  if (!checked.ok) return checked;
  if (!checked.value.matched) return refused(parts, one, 'passphrase');
  const hash = await parts.passphrases.hash(o.next, one.lane);
  if (!hash.ok) return refused(parts, one, 'busy', hash.error);
  const decided = store.transaction((): Result<void, Wrong> => {
    if (!fits(checked.value, table.required())) return err('passphrase');
    parts.lockout.clear(one.buckets);
    const ended = save(parts, hash.value, { keep: o.keepSessionId, why: 'passphrase' });
    parts.audit.record({
      kind: 'owner.passphrase_changed',
      ...OWNER_ON_RECORD,
      outcome: 'ok',
      detail: ended,
    });
    return ok(undefined);
  });
  return decided.ok ? decided : refused(parts, one, decided.error);
}

async function resetPassphrase(
  parts: OwnerParts,
  o: Parameters<NewPassphrase['resetPassphrase']>[0],
): Promise<Result<void, Refusal>> {
  const { store, table, links } = parts;
  const one: Try = {
    proofFor: 'reset',
    buckets: [RESET_BUCKET],
    lane: 'known',
    door: 'console',
    from: o.from,
    answer: 'Nothing was changed: the code is wrong or was used already. Try the next one.',
  };
  if (!links.ticketLive('reset', o.ticket)) return deadTicket(parts, 'reset', o.from);
  const bad = refusedNext(o.next, table.required().name);
  if (bad) return err(bad);
  const admitted = admit(parts, one);
  if (!admitted.ok) return admitted;
  const hash = await parts.passphrases.hash(o.next, 'known');
  if (!hash.ok) return refused(parts, one, 'busy', hash.error);
  const decided = store.transaction((): Result<void, Wrong> => {
    const asks = purposesOf(table.required()).has('password_reset');
    const found = asks ? parts.secondFactor.find(o.code ?? '') : undefined;
    if (!links.ticketLive('reset', o.ticket)) return err('link');
    if (asks && !found) return err('code');
    if (found) spendCode(parts, found, 'console');
    // Whoever has locked themselves out by trying the forgotten one can sign in with the new one at once.
    parts.lockout.clear([...one.buckets, ...visitorBuckets('sign_in', o.from.address)]);
    const ended = save(parts, hash.value, { keep: undefined, why: 'reset' });
    parts.audit.record({ kind: 'owner.passphrase_reset', ...OWNER_ON_RECORD, outcome: 'ok', detail: ended });
    return ok(undefined);
  });
  if (decided.ok) return decided;
  return decided.error === 'link' ? deadTicket(parts, 'reset', o.from) : refused(parts, one, decided.error);
}

/** Inside the transaction. Whoever came in by the one before is out, and so is every link that was still open. */
function save(
  parts: OwnerParts,
  hash: string,
  o: { readonly keep: string | undefined; readonly why: 'passphrase' | 'reset' },
): { readonly sessions_ended: number; readonly devices_forgotten: number } {
  const { table, sessions, devices, links, wall } = parts;
  sweep(parts);
  table.setPassphrase(hash, wall());
  links.close('reset');
  return {
    devices_forgotten: devices.forget(() => true, o.why),
    sessions_ended: sessions.end(({ id }) => id !== o.keep, o.why),
  };
}

function refusedNext(next: string, name: string, current?: string): Refusal | undefined {
  const errors = refusedPassphrase(next, name);
  const [first] = errors;
  if (first)
    return refuse('invalid_input', `Nothing was changed: the passphrase must be ${first.rule}.`, { errors });
  if (next !== current) return undefined;
  return refuse('invalid_input', 'Nothing was changed: the new passphrase is the current one.');
}
