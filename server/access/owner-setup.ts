/** Claiming the gateway: by the code that it prints while nobody has, or by the command line. */
import { NAME_PATTERN, NAME_RULE, OWNER_CLI } from '#domain/principal.ts';
import { fieldError, type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import type { OwnerAccess } from './owner.ts';
import { deadTicket, type OwnerParts, redeemLink } from './owner-parts.ts';
import { refusedPassphrase } from './owner-passphrase.ts';
import { OWNER_ON_RECORD } from './owner-sessions.ts';

type Setup = Pick<
  OwnerAccess,
  'issueSetupCode' | 'redeemSetupCode' | 'setupTicketLive' | 'create' | 'openSession'
>;
type NewOwner = Parameters<OwnerAccess['create']>[0];

export function openSetup(parts: OwnerParts): Setup {
  const { store, audit, wall, table, links, sessions, passphrases } = parts;
  const isClaimed = (): boolean => table.row() !== undefined;
  const setupTicketLive = (ticket: string): boolean => !isClaimed() && links.ticketLive('setup', ticket);

  /** Asked before the hash, which strangers are to have no part in, and again with the commit. */
  function mayCreate(o: NewOwner): Result<void, Refusal> {
    const byHand = o.by.door === OWNER_CLI.door;
    if (!byHand && !setupTicketLive(o.ticket ?? '')) return deadTicket(parts, 'setup');
    return isClaimed()
      ? err(refuse('invalid_input', 'This gateway has an owner already; nothing was changed.'))
      : ok(undefined);
  }

  return {
    issueSetupCode() {
      if (isClaimed()) throw new Error('this gateway has an owner already');
      return links.issue('setup');
    },
    redeemSetupCode: (code, from) =>
      isClaimed() ? deadTicket(parts, 'setup', from) : redeemLink(parts, 'setup', code, from),
    setupTicketLive,
    async create(o) {
      const may = mayCreate(o);
      if (!may.ok) return may;
      const refusal = refusedOwner(o);
      if (refusal) return err(refusal);
      const hash = await passphrases.hash(o.passphrase, 'known');
      if (!hash.ok) return hash;
      return store.transaction(() => {
        const late = mayCreate(o);
        if (!late.ok) return late;
        table.insert({ name: o.name, passphrase: hash.value, atMs: wall() });
        links.close('setup');
        const { credential, door } = o.by;
        audit.record({ kind: 'owner.created', credential, door, outcome: 'ok', detail: { name: o.name } });
        return ok(table.requiredRecord());
      });
    },
    openSession: (from) =>
      store.transaction(() => {
        table.required();
        const opened = sessions.open(from, { steppedUp: true, deviceId: null });
        const { id, address } = opened.session;
        const detail = { session: id, address, how: 'setup' };
        audit.record({ kind: 'owner.signed_in', ...OWNER_ON_RECORD, outcome: 'ok', detail });
        return opened;
      }),
  };
}

function refusedOwner(o: NewOwner): Refusal | undefined {
  const errors = [
    ...(NAME_PATTERN.test(o.name) ? [] : [fieldError('name', '', NAME_RULE)]),
    ...refusedPassphrase(o.passphrase, o.name),
  ];
  const [first] = errors;
  return (
    first &&
    refuse('invalid_input', `No owner was made: the ${first.field} must be ${first.rule}.`, { errors })
  );
}
