/** Security: passphrase, authenticator, recovery codes, where a code is asked for, trusted browsers, sessions and sign-ins. */
import { z } from 'zod';
import { type OwnerRecord, SECOND_FACTOR_PURPOSES } from '#access/owner.ts';
import type { AuditLine } from '#audit/query.ts';
import { refuse } from '#domain/refusal.ts';
import { err, ok } from '#domain/result.ts';
import { SIGN_INS_SHOWN_MAX } from '#limits.ts';
import { browserName } from './browser-name.ts';
import { codeField } from './code-form.ts';
import { action, definePage, go, type OwnerVisit, refused, show } from './define.ts';
import { PASSPHRASE_ADVICE, passphraseField } from './passphrase-form.ts';
import { offerView, PURPOSES, purposesFrom, purposesInput } from './second-factor-form.ts';

const HERE = '/admin/security';
const ENROL = `${HERE}?enrol=1#authenticator`;
const noFields = z.strictObject({});
const oneId = z.strictObject({ id: z.string().max(80) });

export const security = definePage({
  path: '/security',
  title: 'Security',
  view: 'security.html',
  nav: { label: 'Security', group: 'gateway' },
  scripts: ['passphrase.js', 'copy.js'],
  load(visit) {
    const { services, session, query } = visit;
    const { owner } = services.access;
    const record = owner.record();
    if (record === undefined) return err(refuse('not_found', 'This gateway has no owner.'));
    // The secret of an authenticator is for who has just shown a code, and nobody who finds the browser open.
    const offer = query['enrol'] !== undefined && owner.isSteppedUp(session) ? owner.begunTotp() : undefined;
    return ok({
      owner: ownerView(record),
      advice: PASSPHRASE_ADVICE,
      offer: offer === undefined ? null : offerView(offer),
      purposes: PURPOSES,
      devices: owner.devices().map((device) => ({ ...device, browser: browserName(device.userAgent) })),
      sessions: owner.sessions().map((one) => ({
        ...one,
        browser: browserName(one.userAgent),
        here: one.id === session.id,
      })),
      here_device: session.deviceId,
      sign_ins: signIns(services.audit),
    });
  },
  actions: {
    passphrase: action({
      input: z.strictObject({ current_passphrase: passphraseField, passphrase: passphraseField }),
      async run({ services, session }, { current_passphrase: current, passphrase: next }) {
        const { owner } = services.access;
        const changed = await owner.changePassphrase({ current, next, keepSessionId: session.id });
        return changed.ok
          ? go(HERE, 'The passphrase is changed. Every other browser is signed out, and none is trusted.')
          : refused(changed.error);
      },
    }),
    'begin-authenticator': action({
      input: noFields,
      proof: 'now',
      run({ services }) {
        services.access.owner.beginTotp();
        return go(ENROL);
      },
    }),
    authenticator: action({
      input: z.strictObject({ code: codeField }),
      proof: 'recent',
      run({ services, session }, { code }) {
        const enrolled = services.access.owner.confirmTotp(code, session.id);
        return enrolled.ok ? show({ codes: enrolled.value.recoveryCodes }) : refused(enrolled.error);
      },
    }),
    'remove-authenticator': action({
      input: noFields,
      proof: 'now',
      run({ services }) {
        services.access.owner.removeTotp();
        return go(
          HERE,
          'The authenticator is removed, and its recovery codes with it. No code is asked for.',
        );
      },
    }),
    recovery: action({
      input: noFields,
      proof: 'now',
      run({ services }) {
        const { owner } = services.access;
        if (owner.record()?.totp !== true)
          return refused(
            refuse('invalid_input', 'Recovery codes stand in for an authenticator; enrol one first.'),
          );
        return show({ codes: owner.newRecoveryCodes() });
      },
    }),
    purposes: action({
      input: purposesInput,
      proof: 'now',
      run({ services }, given) {
        const saved = services.access.owner.setPurposes(purposesFrom(given));
        return saved.ok ? go(HERE, 'Where a code is asked for is saved.') : refused(saved.error);
      },
    }),
    'forget-device': action({
      input: oneId,
      run({ services, session }, { id }) {
        services.access.owner.forgetDevice(id, session.id);
        return go(`${HERE}#devices`, 'That browser is not trusted any more, and is signed out.');
      },
    }),
    'end-session': action({
      input: oneId,
      run({ services, session }, { id }) {
        services.access.owner.endSession(id, 'ended');
        return id === session.id ? SIGNED_OUT : go(`${HERE}#sessions`, 'That session is ended.');
      },
    }),
    'end-others': action({
      input: noFields,
      run({ services, session }) {
        const ended = services.access.owner.endOtherSessions(session.id);
        return go(
          `${HERE}#sessions`,
          ended === 1 ? 'One other session is ended.' : `${ended} other sessions are ended.`,
        );
      },
    }),
    'sign-out': action({
      input: noFields,
      run({ services, session }) {
        services.access.owner.endSession(session.id);
        return SIGNED_OUT;
      },
    }),
  },
});

const SIGNED_OUT = { kind: 'signed_out', to: '/admin/login?after=sign-out' } as const;

const ownerView = (record: OwnerRecord) => ({
  name: record.name,
  created_at_ms: record.createdAtMs,
  passphrase_changed_at_ms: record.passphraseChangedAtMs,
  totp: record.totp,
  recovery_codes_left: record.recoveryCodesLeft,
  purposes: SECOND_FACTOR_PURPOSES.filter((purpose) => record.purposes.has(purpose)),
});

/** What was tried and wrong, and what was right, from the record. */
function signIns(audit: OwnerVisit['services']['audit']) {
  return ['owner.signed_in', 'owner.sign_in_refused']
    .flatMap((kind) => audit.tail(SIGN_INS_SHOWN_MAX, { kind }))
    .sort((a, b) => b.seq - a.seq)
    .slice(0, SIGN_INS_SHOWN_MAX)
    .map(signInView);
}

const TRIED: Readonly<Record<string, string>> = {
  sign_in: 'sign-in',
  step_up: 'confirmation',
  confirm: 'confirmation of a command',
  setup_code: 'setup link',
  reset_code: 'reset link',
  change: 'change of passphrase',
  reset: 'reset of passphrase',
  remote_sign_in: 'sign-in for a remote client',
  remote_write: 'code for a remote client',
};
const WRONG: Readonly<Record<string, string>> = {
  name: 'wrong name',
  passphrase: 'wrong passphrase',
  code: 'wrong code',
  session: 'no session',
  link: 'no such link',
  locked: 'locked out',
  busy: 'too many at once',
};
const BY: Readonly<Record<string, string>> = {
  setup: 'at setup',
  passphrase: 'with the passphrase',
  'passphrase and totp': 'with passphrase and code',
  'passphrase and recovery': 'with passphrase and recovery code',
};

function signInView({ seq, time, outcome, detail }: AuditLine) {
  const text = (name: string): string => {
    const value = detail?.[name];
    return typeof value === 'string' ? value : '';
  };
  const count = detail?.['count'];
  const isOk = outcome === 'ok';
  return {
    seq,
    at_ms: Date.parse(time),
    ok: isOk,
    what: isOk
      ? `Signed in ${BY[text('how')] ?? ''}${text('client') === '' ? '' : ', for a remote client'}`
      : `${TRIED[text('for')] ?? 'sign-in'}: ${WRONG[text('why')] ?? text('why')}`,
    times: typeof count === 'number' ? count : 1,
    address: text('address'),
  };
}
