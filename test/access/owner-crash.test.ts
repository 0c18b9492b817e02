/** The owner's books after a kill −9 at any moment, or a disk that fails: state and record say the same. */
import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { openStore, type Store } from '#store/open.ts';
import { type AccessRoom, granted } from '../support/access-room.ts';
import { startChild } from '../support/child-process.ts';
import { enroll, HOME, ownerRoom, PASSPHRASE, signIn } from '../support/owner-room.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const CHILD = new URL('../support/owner-for-ever.ts', import.meta.url);
const LIVES = 10;

test('ten lives ended by kill −9: what the record tells is what the tables hold', {
  timeout: 120_000,
}, async () => {
  const root = temporaryFolder();
  const seed = randomInt(1_000_000_000);
  const deaths = fc.sample(fc.integer({ min: 1, max: 30 }), { numRuns: LIVES, seed });
  for (const steps of deaths) {
    const child = startChild(CHILD, [root]);
    for (let n = 0; n < steps; n++) expect(await child.line(), `seed ${seed}`).toBeDefined();
    await child.kill();
    const store = openStore(join(root, 'data'));
    try {
      expect(held(store), `seed ${seed}`).toEqual(told(store));
    } finally {
      store.close();
    }
  }
});

interface Books {
  readonly sessions: readonly string[];
  readonly devices: readonly string[];
  readonly totp: boolean;
  readonly recoveryCodes: number;
  readonly purposes: string;
}

/** What the tables hold. */
function held({ db }: Store): Books {
  const owner = db.prepare('SELECT totp_seed, purposes FROM owner').get() as {
    totp_seed: Buffer | null;
    purposes: string;
  };
  return {
    sessions: db.prepare('SELECT id FROM owner_sessions ORDER BY id').pluck().all() as string[],
    devices: db.prepare('SELECT id FROM owner_devices ORDER BY id').pluck().all() as string[],
    totp: owner.totp_seed !== null,
    recoveryCodes: Number(db.prepare('SELECT count(*) FROM owner_recovery_codes').pluck().get()),
    purposes: owner.purposes,
  };
}

/** What they must hold, from the record alone. */
function told({ db }: Store): Books {
  const sessions = new Set<string>();
  const devices = new Set<string>();
  let [totp, recoveryCodes, purposes] = [false, 0, ''];
  const lines = db.prepare(`SELECT line FROM audit WHERE kind LIKE 'owner.%' ORDER BY seq`).pluck().all();
  for (const line of lines as string[]) {
    const { kind, detail } = JSON.parse(line) as { kind: string; detail: Record<string, unknown> };
    switch (kind) {
      case 'owner.signed_in':
        sessions.add(String(detail['session']));
        break;
      case 'owner.signed_out':
      case 'owner.session_ended':
        sessions.delete(String(detail['session']));
        break;
      case 'owner.device_trusted':
        devices.add(String(detail['device']));
        break;
      case 'owner.device_forgotten':
        devices.delete(String(detail['device']));
        break;
      case 'owner.totp_enrolled':
        [totp, recoveryCodes] = [true, 10];
        break;
      case 'owner.totp_removed':
        [totp, recoveryCodes, purposes] = [false, 0, ''];
        break;
      case 'owner.recovery_used':
      case 'owner.recovery_renewed':
        recoveryCodes = Number(detail['left']);
        break;
      case 'owner.purposes_changed':
        purposes = (detail['after'] as string[]).join(' ');
        break;
    }
  }
  return { sessions: [...sessions].sort(), devices: [...devices].sort(), totp, recoveryCodes, purposes };
}

describe('a commit that fails', () => {
  let room: AccessRoom;
  afterEach(() => room.close());

  test('leaves neither session nor line nor spent code behind', async () => {
    room = await ownerRoom();
    const { owner } = room.access;
    const authenticator = enroll(room, 'sign_in');
    const { token } = granted(await signIn(room, { code: authenticator.next() }));
    const [code = ''] = authenticator.recoveryCodes;
    const before = held(room.store);
    const lines = room.events().length;
    // The last thing of each transaction is its line; without it everything before it is undone.
    room.store.db.exec(`CREATE TRIGGER fault BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'disk'); END`);
    const acts: readonly (() => unknown)[] = [
      () => signIn(room, { code, trustDevice: true }),
      () => owner.stepUp(token, code, HOME),
      () => owner.confirm({ passphrase: PASSPHRASE, code, from: HOME }),
      () => owner.newRecoveryCodes(),
      () => owner.removeTotp(),
      () => owner.setPurposes(new Set()),
      () => owner.issueResetLink(),
      () => owner.endOtherSessions(''),
      () => owner.openSession(HOME),
    ];
    for (const act of acts) await expect(async () => act()).rejects.toThrow();
    expect(held(room.store)).toEqual(before);
    room.store.db.exec('DROP TRIGGER fault');
    expect(room.events()).toHaveLength(lines);
    granted(await signIn(room, { code }));
  });
});
