/** Keys: made once, private, and refused when they are not what they should be. */
import { sign, verify } from 'node:crypto';
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { openKeyring } from '#store/keyring.ts';
import { StoreError } from '#store/open.ts';
import { startChild } from '../support/child-process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

describe('a secret', () => {
  test('is made once, in a file that only its user may read, in a folder closed to others', () => {
    const folder = join(temporaryFolder(), 'keys');
    mkdirSync(folder, { mode: 0o755 });
    const keyring = openKeyring(folder);
    expect(keyring.exists('audit')).toBe(false);
    const secret = keyring.secret('audit');
    expect(secret).toHaveLength(32);
    expect(keyring.exists('audit')).toBe(true);
    expect(openKeyring(folder).secret('audit').equals(secret)).toBe(true);
    expect(openKeyring(folder).secret('other').equals(secret)).toBe(false);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(statSync(join(folder, 'audit.key')).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder).sort()).toEqual(['audit.key', 'other.key']);
  });

  test('is the same for two processes that start at once', async () => {
    const folder = temporaryFolder();
    const file = new URL('../support/print-secret.ts', import.meta.url);
    const children = [0, 1, 2].map(() => startChild(file, [folder]));
    const printed = await Promise.all(children.map((child) => child.line()));
    expect(printed[0]).toMatch(/^[0-9a-f]{64}$/);
    expect(new Set(printed).size).toBe(1);
    expect(readFileSync(join(folder, 'audit.key'), 'hex')).toBe(printed[0]);
  });

  test.each([0, 31, 33, 64])('of %d bytes is refused and left alone', (size) => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'audit.key'), Buffer.alloc(size, 7), { mode: 0o600 });
    expect(() => openKeyring(folder).secret('audit')).toThrow(StoreError);
    expect(() => openKeyring(folder).secret('audit')).toThrow(/bytes/);
    expect(readFileSync(join(folder, 'audit.key'))).toHaveLength(size);
  });

  test.each([0o640, 0o604, 0o660, 0o644])('that others may read is refused (mode %o)', (mode) => {
    const folder = temporaryFolder();
    openKeyring(folder).secret('audit');
    chmodSync(join(folder, 'audit.key'), mode);
    expect(() => openKeyring(folder).secret('audit')).toThrow(/can be read by other users .*chmod 600/);
  });

  test('is never read nor made through a symbolic link', () => {
    const folder = temporaryFolder();
    const elsewhere = temporaryFolder();
    openKeyring(elsewhere).secret('real');
    symlinkSync(join(elsewhere, 'real.key'), join(folder, 'audit.key'));
    symlinkSync(join(elsewhere, 'nothing.key'), join(folder, 'dangling.key'));
    const keyring = openKeyring(folder);
    expect(() => keyring.secret('audit')).toThrow(/symbolic link/);
    expect(() => keyring.secret('dangling')).toThrow(/symbolic link/);
    expect(readdirSync(elsewhere)).toEqual(['real.key']);
  });

  test('has a plain name', () => {
    const folder = temporaryFolder();
    expect(() => openKeyring(folder).secret('../audit')).toThrow(/not a key name/);
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe('a signing key', () => {
  test('is an Ed25519 pair that stays the same, its public half beside it', () => {
    const folder = temporaryFolder();
    const pair = openKeyring(folder).signingKey('checkpoint');
    const signature = sign(null, Buffer.from('text'), pair.privateKey);
    expect(
      verify(null, Buffer.from('text'), openKeyring(folder).signingKey('checkpoint').publicKey, signature),
    ).toBe(true);
    expect(statSync(join(folder, 'checkpoint.pem')).mode & 0o777).toBe(0o600);
    const publicPem = readFileSync(join(folder, 'checkpoint.pub.pem'), 'utf8');
    expect(verify(null, Buffer.from('text'), publicPem, signature)).toBe(true);
    expect(publicPem).not.toMatch(/PRIVATE/);
  });

  test('that is cut is refused', () => {
    const folder = temporaryFolder();
    openKeyring(folder).signingKey('checkpoint');
    truncateSync(join(folder, 'checkpoint.pem'), 60);
    expect(() => openKeyring(folder).signingKey('checkpoint')).toThrow(/not a private key/);
  });
});

describe('a sealed value', () => {
  test('opens under its name and context, and under no other', () => {
    const keyring = openKeyring(temporaryFolder());
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.string(), (bytes, context) => {
        const plaintext = Buffer.from(bytes);
        const sealed = keyring.seal('seal', plaintext, context);
        expect(keyring.open('seal', sealed, context).equals(plaintext)).toBe(true);
        expect(() => keyring.open('other', sealed, context)).toThrow(StoreError);
        expect(() => keyring.open('seal', sealed, `${context}.`)).toThrow(StoreError);
        expect(keyring.seal('seal', plaintext, context).equals(sealed)).toBe(false);
      }),
    );
  });

  test('does not open when any one bit of it was flipped or its end was cut', () => {
    const keyring = openKeyring(temporaryFolder());
    const sealed = keyring.seal('seal', Buffer.from('what nobody may read'), 'c');
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const altered = Buffer.from(sealed);
      altered[bit >> 3] = (altered[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(() => keyring.open('seal', altered, 'c')).toThrow(/was altered/);
    }
    for (let length = 0; length < sealed.length; length++) {
      expect(() => keyring.open('seal', sealed.subarray(0, length), 'c')).toThrow(StoreError);
    }
  });

  test('is lost with its key, and says so', () => {
    const folder = temporaryFolder();
    const sealed = openKeyring(folder).seal('seal', Buffer.from('x'), 'c');
    rmSync(join(folder, 'seal.key'));
    expect(() => openKeyring(folder).open('seal', sealed, 'c')).toThrow(/another key sealed it/);
  });
});
