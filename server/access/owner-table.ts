/** The table `owner`, one row or none, and the record of it that may be shown. */
import type { Store } from '#store/open.ts';
import { type OwnerRecord, SECOND_FACTOR_PURPOSES, type SecondFactorPurpose } from './owner-records.ts';

export interface OwnerRow {
  readonly name: string;
  readonly passphrase: string;
  readonly created_at: number;
  readonly passphrase_changed_at: number;
  readonly purposes: string;
  readonly totp_seed: Buffer | null;
  readonly totp_last_step: number;
  readonly pending_seed: Buffer | null;
  readonly pending_at: number | null;
}

export interface OwnerTable {
  row(): OwnerRow | undefined;
  /** For what only makes sense with an owner. */
  required(): OwnerRow;
  record(): OwnerRecord | undefined;
  requiredRecord(): OwnerRecord;
  insert(o: { readonly name: string; readonly passphrase: string; readonly atMs: number }): void;
  setPassphrase(passphrase: string, atMs: number): void;
  setPurposes(purposes: ReadonlySet<SecondFactorPurpose>): void;
  setPending(seed: Buffer, atMs: number): void;
  /** What was begun at that time or before. */
  forgetPending(untilMs: number): void;
  /** Codes up to that step are spent from the start. */
  enroll(seed: Buffer, lastStep: number): void;
  unenroll(): void;
  /** False when that step, or a later one, is spent already. */
  spendStep(step: number): boolean;
}

export function ownerTable({ db }: Store): OwnerTable {
  const select = db.prepare('SELECT * FROM owner');
  const codesLeft = db.prepare('SELECT count(*) FROM owner_recovery_codes').pluck();
  const insert = db.prepare(
    'INSERT INTO owner (id, name, passphrase, created_at, passphrase_changed_at) VALUES (1, ?, ?, ?, ?)',
  );
  const setPassphrase = db.prepare('UPDATE owner SET passphrase = ?, passphrase_changed_at = ?');
  const setPurposes = db.prepare('UPDATE owner SET purposes = ?');
  const setPending = db.prepare('UPDATE owner SET pending_seed = ?, pending_at = ?');
  const forgetPending = db.prepare(
    'UPDATE owner SET pending_seed = NULL, pending_at = NULL WHERE pending_at <= ?',
  );
  const enroll = db.prepare(
    'UPDATE owner SET totp_seed = ?, totp_last_step = ?, pending_seed = NULL, pending_at = NULL',
  );
  const unenroll = db.prepare(
    `UPDATE owner SET totp_seed = NULL, pending_seed = NULL, pending_at = NULL, purposes = ''`,
  );
  const spendStep = db.prepare('UPDATE owner SET totp_last_step = ? WHERE totp_last_step < ?');
  const row = (): OwnerRow | undefined => select.get() as OwnerRow | undefined;

  function required(): OwnerRow {
    const found = row();
    if (!found) throw new Error('this gateway has no owner yet');
    return found;
  }
  const shown = (found: OwnerRow): OwnerRecord => recordOf(found, Number(codesLeft.get()));

  return {
    row,
    required,
    record() {
      const found = row();
      return found && shown(found);
    },
    requiredRecord: () => shown(required()),
    insert: (o) => void insert.run(o.name, o.passphrase, o.atMs, o.atMs),
    setPassphrase: (passphrase, atMs) => void setPassphrase.run(passphrase, atMs),
    setPurposes: (purposes) => void setPurposes.run([...purposes].join(' ')),
    setPending: (seed, atMs) => void setPending.run(seed, atMs),
    forgetPending: (untilMs) => void forgetPending.run(untilMs),
    enroll: (seed, lastStep) => void enroll.run(seed, lastStep),
    unenroll: () => void unenroll.run(),
    spendStep: (step) => spendStep.run(step, step).changes === 1,
  };
}

export function purposesOf(row: Pick<OwnerRow, 'purposes'>): ReadonlySet<SecondFactorPurpose> {
  const stored = row.purposes.split(' ');
  return new Set(SECOND_FACTOR_PURPOSES.filter((purpose) => stored.includes(purpose)));
}

const recordOf = (row: OwnerRow, recoveryCodesLeft: number): OwnerRecord => ({
  name: row.name,
  createdAtMs: row.created_at,
  passphraseChangedAtMs: row.passphrase_changed_at,
  totp: row.totp_seed !== null,
  recoveryCodesLeft,
  purposes: purposesOf(row),
});
