/** A new passphrase: by the one before, or by a link from the command line for who has forgotten it. */
import type { FieldError, Refusal } from '#domain/refusal.ts';
import { refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import type { OwnerAccess } from './owner.ts';
import { noSuchLink } from './owner-links.ts';
import { bucket } from './owner-lockout.ts';
import {
  admit,
  type OwnerParts,
  redeemLink,
  refused,
  spendCode,
  type Try,
  type Wrong,
} from './owner-parts.ts';
import { refusedPassphrase } from './owner-passphrase.ts';
import { checkPassphrase, PROOF_BUCKET } from './owner-proof.ts';
import { OWNER_ON_RECORD } from './owner-sessions.ts';
import { purposesOf } from './owner-table.ts';

type NewPassphrase = Pick<
  OwnerAccess,
  'changePassphrase' | 'issueResetLink' | 'redeemResetCode' | 'resetTicketLive' | 'resetPassphrase'
>;

const RESET_BUCKET = bucket('reset');

export function openNewPassphrase(parts: OwnerParts): NewPassphrase {
  const { store, table, links, passphrases } = parts;

  const changePassphrase: NewPassphrase['changePassphrase'] = async (o) => {
    const one = { proofFor: 'change', buckets: [PROOF_BUCKET], lane: 'known', door: 'console' } as const;
    const bad = refusedNext(o.next, table.required().name);
    if (bad) return err(bad);
    const checked = await checkPassphrase(parts, o.current, one);
    if (!checked.ok) return checked;
    const { stored, matched } = checked.value;
    if (!matched) return refused(parts, one, 'passphrase', wrongCurrent());
    const hash = await passphrases.hash(o.next, 'known');
    if (!hash.ok) return hash;
    const decided = store.transaction((): Result<void, Wrong> => {
      if (table.required().passphrase !== stored) return err('passphrase');
      parts.lockout.clear(one.buckets);
      save(parts, hash.value, { kept: o.keepSessionId });
      return ok(undefined);
    });
    return decided.ok ? decided : refused(parts, one, decided.error, wrongCurrent());
  };

  const resetPassphrase: NewPassphrase['resetPassphrase'] = async (o) => {
    const one: Try = {
      proofFor: 'reset',
      buckets: [RESET_BUCKET],
      lane: 'known',
      door: 'console',
      from: o.from,
    };
    if (!links.ticketLive('reset', o.ticket)) return err(noSuchLink());
    const bad = refusedNext(o.next, table.required().name);
    if (bad) return err(bad);
    const admitted = admit(parts, one);
    if (!admitted.ok) return admitted;
    const hash = await passphrases.hash(o.next, 'known');
    if (!hash.ok) return hash;
    const decided = store.transaction((): Result<void, Wrong> => {
      if (!links.ticketLive('reset', o.ticket)) return err('link');
      const found = purposesOf(table.required()).has('password_reset')
        ? parts.secondFactor.find(o.code ?? '')
        : 'not asked';
      if (!found || (found !== 'not asked' && !spendCode(parts, found, 'console'))) return err('code');
      parts.lockout.clear(one.buckets);
      save(parts, hash.value, { kept: undefined });
      return ok(undefined);
    });
    if (decided.ok) return decided;
    return refused(parts, one, decided.error, decided.error === 'link' ? noSuchLink() : wrongResetCode());
  };

  return {
    changePassphrase,
    issueResetLink() {
      table.required();
      return links.issue('reset');
    },
    redeemResetCode: (code, from) => redeemLink(parts, 'reset', code, from),
    resetTicketLive: (ticket) => links.ticketLive('reset', ticket),
    resetPassphrase,
  };
}

/** Inside the transaction. Whoever knew the one before is out, and so is every link that was still open. */
function save(parts: OwnerParts, hash: string, o: { readonly kept: string | undefined }): void {
  const { audit, table, sessions, devices, links, wall } = parts;
  table.setPassphrase(hash, wall());
  links.close('reset');
  devices.forgetAll();
  const isReset = o.kept === undefined;
  const sessionsEnded = sessions.end(({ id }) => id !== o.kept, isReset ? 'reset' : 'passphrase');
  const kind = isReset ? 'owner.passphrase_reset' : 'owner.passphrase_changed';
  audit.record({ kind, ...OWNER_ON_RECORD, outcome: 'ok', detail: { sessions_ended: sessionsEnded } });
}

function refusedNext(next: string, name: string): Refusal | undefined {
  const errors: readonly FieldError[] = refusedPassphrase(next, name);
  const [first] = errors;
  return (
    first && refuse('invalid_input', `Nothing was changed: the passphrase must be ${first.rule}.`, { errors })
  );
}
const wrongCurrent = (): Refusal =>
  refuse('unauthenticated', 'Nothing was changed: the current passphrase is another one. Try again.');
const wrongResetCode = (): Refusal =>
  refuse('unauthenticated', 'Nothing was changed: the code is wrong or was used already. Try the next one.');
