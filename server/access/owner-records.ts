/** The words of the owner's access: visitors, sessions, trusted devices, one-time links, purposes of the second factor. */

/** Where a code is asked for in addition to what is asked for anyway; each independent of the others. */
export const SECOND_FACTOR_PURPOSES = ['sign_in', 'remote_write', 'password_reset'] as const;
export type SecondFactorPurpose = (typeof SECOND_FACTOR_PURPOSES)[number];

/** Where somebody asks from: counted for lockout, shown in the list of sessions, kept on the record. */
export interface Visitor {
  readonly address: string;
  readonly userAgent: string;
  /** The token of a trusted device, from its cookie. */
  readonly device?: string | undefined;
}

export interface OwnerRecord {
  readonly name: string;
  readonly createdAtMs: number;
  readonly passphraseChangedAtMs: number;
  /** Whether an authenticator is enrolled. */
  readonly totp: boolean;
  readonly recoveryCodesLeft: number;
  readonly purposes: ReadonlySet<SecondFactorPurpose>;
}

export interface Session {
  /** Public: `ses_…`. */
  readonly id: string;
  readonly createdAtMs: number;
  /** Exact to SESSION_SEEN_SAVE_INTERVAL_MS. */
  readonly lastSeenAtMs: number;
  /** Idle or not, it ends then; earlier when nobody uses it for SESSION_IDLE_MS. */
  readonly expiresAtMs: number;
  /** Where it was last seen. */
  readonly address: string;
  readonly userAgent: string;
  readonly steppedUpAtMs: number | null;
  readonly deviceId: string | null;
}

export interface Device {
  /** Public: `dev_…`. */
  readonly id: string;
  readonly createdAtMs: number;
  readonly lastSeenAtMs: number;
  readonly expiresAtMs: number;
  readonly userAgent: string;
}

export interface SignIn {
  readonly name: string;
  readonly passphrase: string;
  /** Six digits of the authenticator, or a recovery code; looked at only where one is asked for. */
  readonly code?: string | undefined;
  readonly trustDevice?: boolean | undefined;
  readonly from: Visitor;
}

export interface SignedIn {
  /** 256 random bits, new with every sign-in; only its hash is kept. */
  readonly token: string;
  readonly session: Session;
  /** To be kept by the browser when the device is trusted from now on. */
  readonly deviceToken?: string;
  readonly usedRecoveryCode: boolean;
}

export interface OneTimeLink {
  /** 128 random bits; only its hash is kept. */
  readonly code: string;
  readonly expiresAtMs: number;
}

export interface Ticket {
  readonly ticket: string;
  readonly expiresAtMs: number;
}

export interface TotpOffer {
  /** Base32, for typing. */
  readonly secret: string;
  /** otpauth://…, for the link. */
  readonly uri: string;
  /** The same as a QR code: one <svg> element without script or style. */
  readonly qrSvg: string;
}
