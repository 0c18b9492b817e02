/** The owner's authenticator, recovery codes, purposes and trusted devices: every change with its line on the record. */
import type { JsonValue } from '#audit/event.ts';
import { fieldError, refuse } from '#domain/refusal.ts';
import { err, ok } from '#domain/result.ts';
import type { OwnerAccess } from './owner.ts';
import type { OwnerParts } from './owner-parts.ts';
import { OWNER_ON_RECORD } from './owner-sessions.ts';
import { purposesOf } from './owner-table.ts';

type Enrolment = Pick<
  OwnerAccess,
  | 'beginTotp'
  | 'begunTotp'
  | 'confirmTotp'
  | 'confirmRecoveryCode'
  | 'newRecoveryCodes'
  | 'removeTotp'
  | 'setPurposes'
  | 'devices'
  | 'forgetDevice'
>;

export function openEnrolment(parts: OwnerParts): Enrolment {
  const { store, audit, table, secondFactor, devices, sessions } = parts;
  const record = (kind: string, detail: Readonly<Record<string, JsonValue>>): void =>
    void audit.record({ kind, ...OWNER_ON_RECORD, outcome: 'ok', detail });

  return {
    beginTotp: () => secondFactor.begin(),
    begunTotp: () => secondFactor.begun(),
    confirmTotp: (code, sessionId) =>
      store.transaction(() => {
        // Or a session found open, or stolen, would enrol an authenticator of its own and prove everything with it.
        if (
          sessionId !== undefined &&
          !sessions.list().some((one) => one.id === sessionId && sessions.isFresh(one))
        )
          return err(notProved());
        const step = secondFactor.fitsPending(code);
        if (step === undefined) return err(wrongFirstCode());
        const before = table.required().totp_seed !== null;
        secondFactor.enroll(step);
        devices.unproveAll();
        const recoveryCodes = secondFactor.renewRecoveryCodes();
        if (sessionId !== undefined) sessions.stepUp(sessionId);
        record('owner.totp_enrolled', { replaced: before, recovery: recoveryCodes.length });
        return ok({ recoveryCodes });
      }),
    confirmRecoveryCode: (code) => secondFactor.find(code)?.kind === 'recovery',
    newRecoveryCodes: () =>
      store.transaction(() => {
        if (table.required().totp_seed === null) throw new Error('no authenticator is enrolled');
        const recoveryCodes = secondFactor.renewRecoveryCodes();
        record('owner.recovery_renewed', { left: recoveryCodes.length });
        return recoveryCodes;
      }),
    removeTotp: () =>
      store.transaction(() => {
        const owner = table.required();
        secondFactor.remove();
        devices.unproveAll();
        if (owner.totp_seed !== null) record('owner.totp_removed', { purposes: [...purposesOf(owner)] });
      }),
    setPurposes: (purposes) =>
      store.transaction(() => {
        const owner = table.required();
        if (purposes.size > 0 && owner.totp_seed === null) return err(noAuthenticator());
        const before = [...purposesOf(owner)];
        table.setPurposes(purposes);
        const after = [...purposesOf(table.required())];
        if (after.join() !== before.join()) record('owner.purposes_changed', { before, after });
        return ok(undefined);
      }),
    devices: () => devices.list(),
    forgetDevice: (id, keepSessionId) =>
      store.transaction(() => {
        sessions.end((session) => session.deviceId === id && session.id !== keepSessionId, 'device');
        devices.forget((device) => device.id === id, 'forgotten');
      }),
  };
}

const wrongFirstCode = () =>
  refuse(
    'invalid_input',
    'The authenticator was not enrolled: this is not its code of this moment. Check that its clock is right, or begin again.',
    { errors: [fieldError('code', '', 'the six digits that the authenticator shows now')] },
  );
const notProved = () =>
  refuse(
    'unauthenticated',
    'The authenticator was not enrolled: your last proof is older than five minutes. Prove that it is you, then enter the code again.',
  );
const noAuthenticator = () =>
  refuse(
    'invalid_input',
    'Nothing was saved: a code can be asked for only once an authenticator is enrolled.',
  );
