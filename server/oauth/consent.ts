/** Consent: what the owner is shown before a client is let in, and whether what they sent may be granted. */
import { hash } from 'node:crypto';
import type { Mandate, MandateDocument } from '#domain/mandate.ts';
import { isReadScope, type Scope, type TradingState } from '#domain/principal.ts';
import { fieldError, type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';

/** How long a grant may last: the owner chooses one. */
export const CONSENT_DAYS = [1, 7, 30, 90, 180] as const;
export const CONSENT_DAYS_STANDARD = 30;
const DAY_MS = 86_400_000;

export interface ConsentAccount {
  readonly id: string;
  readonly mode: 'paper' | 'live';
  readonly currency: string;
}

/** The agent that the grant will be attached to, as it stands: a grant brings no budget of its own. */
export interface ConsentAgent {
  readonly name: string;
  readonly state: TradingState;
  /** What it may read of, and what its mandate lets it trade in. */
  readonly accounts: readonly ConsentAccount[];
  readonly mandate: ConsentMandate | null;
}
export interface ConsentMandate {
  readonly document: MandateDocument;
  readonly accounts: readonly ConsentAccount[];
  readonly standing: 'live' | 'expired' | 'revoked';
  readonly expiresAtMs: number | null;
}

export interface ConsentView {
  /** What may be ticked; the others are not there at all. */
  readonly scopes: readonly Scope[];
  /** null: one is made with this consent, named after the client, and has no mandate. */
  readonly agent: ConsentAgent | null;
  /** Whether granting what writes takes a code of the authenticator. */
  readonly codeForWriting: boolean;
  /** Of the agent and its mandate as they are shown: nobody consents to another one than they have read of. */
  readonly digest: string;
}

export interface ConsentForm {
  /** As sent: anything. */
  readonly scopes: readonly string[];
  readonly expires: string;
  /** The digest of what was shown. */
  readonly shown: string;
  readonly code?: string | undefined;
}

export interface Consented {
  readonly scopes: readonly Scope[];
  readonly expiresAtMs: number;
  readonly writes: boolean;
}

export function mandateView(
  mandate: Mandate | undefined,
  accounts: readonly ConsentAccount[],
  nowMs: number,
): ConsentMandate | null {
  if (mandate === undefined) return null;
  const { document, expiresAtMs, revokedAtMs } = mandate;
  const expired = expiresAtMs !== null && expiresAtMs <= nowMs;
  const standing = revokedAtMs !== null ? 'revoked' : expired ? 'expired' : 'live';
  return { document, accounts, standing, expiresAtMs };
}

export const digestOf = (agent: ConsentAgent | null): string =>
  hash('sha256', JSON.stringify(agent && { ...agent, state: '' }), 'base64url').slice(0, 22);

/**
 * What was ticked is held to what may be ticked now, whatever the page showed: a tick that no page of this moment offers is
 * refused as a whole, never dropped, so that nobody gets another consent than the one they read.
 */
export function judgeConsent(
  form: ConsentForm,
  { scopes: offered, digest }: Pick<ConsentView, 'scopes' | 'digest'>,
  nowMs: number,
): Result<Consented, Refusal> {
  if (form.shown !== digest)
    return err(
      refuse(
        'approval_expired',
        'Nothing was granted: the agent or its mandate is not what this page showed. The page below shows it as it is now; look at it again.',
      ),
    );
  const foreign = form.scopes.filter((ticked) => !offered.some((scope) => scope === ticked));
  if (foreign.length > 0)
    return err(
      refuse(
        'insufficient_scope',
        'Nothing was granted: more was ticked than can be given now. The page below shows what can; look at it again.',
      ),
    );
  const days = CONSENT_DAYS.find((one) => String(one) === form.expires);
  if (days === undefined)
    return err(
      refuse('invalid_input', 'Nothing was granted: choose how long the access lasts.', {
        errors: [fieldError('expires', form.expires, `one of ${CONSENT_DAYS.join(', ')} days`)],
      }),
    );
  const scopes = offered.filter((scope) => form.scopes.includes(scope));
  return ok({ scopes, expiresAtMs: nowMs + days * DAY_MS, writes: !scopes.every(isReadScope) });
}
