/** The keys of this gateway: random secrets, signing keys and sealing, each in a file of its own that only its user may read. */
import {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto';
import {
  chmodSync,
  closeSync,
  constants,
  existsSync,
  fstatSync,
  fsyncSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { StoreError } from './fault.ts';

export interface SigningKey {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

export interface Keyring {
  readonly folder: string;
  /** 32 random bytes kept in `<name>.key`, created when absent. Throws StoreError when the file is not fit to be a key. */
  secret(name: string): Buffer;
  /** Whether the file of the secret `name` is there; nothing is created. */
  exists(name: string): boolean;
  /** An Ed25519 pair: `<name>.pem` is private, `<name>.pub.pem` a copy of the public half to keep elsewhere. */
  signingKey(name: string): SigningKey;
  /** An RSA pair of 2048 bits: the private half of `<name>.pem`. undefined when there is no such file. */
  rsaKey(name: string): KeyObject | undefined;
  /** A new one, durable when this returns. Takes about a tenth of a second. */
  makeRsaKey(name: string): KeyObject;
  /** Of keys that begin so, one of which a crash may have left without anybody who knows it. */
  rsaKeyNames(prefix: string): readonly string[];
  /** Its file is gone when this returns; idempotent. */
  removeRsaKey(name: string): void;
  /** AES-256-GCM under the secret `name`; `context` says what it belongs to and must be the same to open it. */
  seal(name: string, plaintext: Buffer, context: string): Buffer;
  /** Throws StoreError when it was sealed under another key or for another context, or was altered. */
  open(name: string, sealed: Buffer, context: string): Buffer;
}

const NAME = /^[a-z][a-z0-9-]{0,39}$/;
const SECRET_BYTES = 32;
const PEM_BYTES_MAX = 4_096;
/** NIST SP 800-57: enough until 2030, and what every client of RS256 takes. */
const RSA_BITS = 2_048;
const SEAL_VERSION = 1;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Opens the folder, creating it; it is closed to everybody else, because a checkout leaves it readable. */
export function openKeyring(folder: string): Keyring {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    if ((lstatSync(folder).mode & 0o077) !== 0) chmodSync(folder, 0o700);
  } catch (cause) {
    throw new StoreError(`The key folder ${folder} can not be used: ${(cause as Error).message}`);
  }
  const secrets = new Map<string, Buffer>();
  const sealKeys = new Map<string, KeyObject>();
  const pairs = new Map<string, SigningKey>();

  function pathOf(name: string, suffix: string): string {
    if (!NAME.test(name)) throw new Error(`not a key name: ${name}`);
    return join(folder, `${name}${suffix}`);
  }
  function secret(name: string): Buffer {
    const known = secrets.get(name);
    if (known) return known;
    const path = pathOf(name, '.key');
    if (!isThere(path)) createPrivately(path, randomBytes(SECRET_BYTES));
    const bytes = readPrivately(path, SECRET_BYTES);
    if (bytes.length !== SECRET_BYTES) {
      throw new StoreError(
        `The key file ${path} holds ${bytes.length} bytes instead of ${SECRET_BYTES}; put the right one back from a backup.`,
      );
    }
    secrets.set(name, bytes);
    return bytes;
  }
  /** Prepared once: raw bytes would be with every value. */
  function sealKey(name: string): KeyObject {
    const key = sealKeys.get(name) ?? createSecretKey(secret(name));
    sealKeys.set(name, key);
    return key;
  }
  function signingKey(name: string): SigningKey {
    const known = pairs.get(name);
    if (known) return known;
    const path = pathOf(name, '.pem');
    if (!isThere(path)) createPrivately(path, newPrivatePem());
    const privateKey = privateKeyOf(path, 'ed25519');
    const pair = { privateKey, publicKey: createPublicKey(privateKey) };
    const publicPath = pathOf(name, '.pub.pem');
    if (!isThere(publicPath)) {
      createPrivately(publicPath, Buffer.from(pair.publicKey.export({ type: 'spki', format: 'pem' })));
    }
    pairs.set(name, pair);
    return pair;
  }

  function rsaKey(name: string): KeyObject | undefined {
    const path = pathOf(name, '.pem');
    return isThere(path) ? privateKeyOf(path, 'rsa') : undefined;
  }
  function makeRsaKey(name: string): KeyObject {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: RSA_BITS });
    createPrivately(pathOf(name, '.pem'), pemOf(privateKey));
    return privateKey;
  }

  return {
    folder,
    secret,
    rsaKey,
    makeRsaKey,
    rsaKeyNames: (prefix) =>
      readdirSync(folder).flatMap((file) => {
        const name = /^(.*)\.pem$/.exec(file)?.[1] ?? '';
        return name.startsWith(prefix) && NAME.test(name) ? [name] : [];
      }),
    removeRsaKey(name) {
      rmSync(pathOf(name, '.pem'), { force: true });
      syncFolder(folder);
    },
    exists: (name) => secrets.has(name) || isThere(pathOf(name, '.key')),
    signingKey,
    seal: (name, plaintext, context) => seal(sealKey(name), plaintext, context),
    open(name, sealed, context) {
      const plaintext = unseal(sealKey(name), sealed, context);
      if (!plaintext) {
        throw new StoreError(
          `A sealed value (${context}) does not open under ${pathOf(name, '.key')}: another key sealed it, or it was altered.`,
        );
      }
      return plaintext;
    },
  };
}

/** True for a dangling link too, so that nothing is ever created through one. */
function isThere(path: string): boolean {
  return existsSync(path) || lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

/**
 * Whole or not at all, and never over an existing file: two processes that start at once end up with the same key. A link
 * is refused by `link` itself.
 */
function createPrivately(path: string, content: Buffer): void {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.new`;
  try {
    const file = openSync(temporary, 'wx', 0o600);
    try {
      writeFileSync(file, content);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    linkSync(temporary, path);
    syncFolder(join(path, '..'));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') {
      throw new StoreError(`The key file ${path} can not be written: ${(cause as Error).message}`);
    }
  } finally {
    rmSync(temporary, { force: true });
  }
}

function syncFolder(folder: string): void {
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/** Checks and reads through one handle, so that what was checked is what is read. */
function readPrivately(path: string, bytesMax: number): Buffer {
  let handle: number;
  try {
    handle = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (cause) {
    const link = (cause as NodeJS.ErrnoException).code === 'ELOOP';
    throw new StoreError(
      link
        ? `The key file ${path} is a symbolic link; put the key itself there.`
        : `The key file ${path} can not be read: ${(cause as Error).message}`,
    );
  }
  try {
    const state = fstatSync(handle);
    if (!state.isFile()) throw new StoreError(`The key file ${path} is not a file.`);
    if ((state.mode & 0o077) !== 0) {
      throw new StoreError(
        `The key file ${path} can be read by other users (mode ${(state.mode & 0o777).toString(8)}); run: chmod 600 ${path}`,
      );
    }
    if (state.size > bytesMax) {
      throw new StoreError(
        `The key file ${path} holds ${state.size} bytes, more than any key; put the right one back from a backup.`,
      );
    }
    return readFileSync(handle);
  } finally {
    closeSync(handle);
  }
}

function newPrivatePem(): Buffer {
  return pemOf(generateKeyPairSync('ed25519').privateKey);
}

const pemOf = (privateKey: KeyObject): Buffer =>
  Buffer.from(privateKey.export({ type: 'pkcs8', format: 'pem' }));

const KIND_WORDS = { ed25519: 'an Ed25519', rsa: 'an RSA' } as const;

function privateKeyOf(path: string, kind: keyof typeof KIND_WORDS): KeyObject {
  const pem = readPrivately(path, PEM_BYTES_MAX);
  let privateKey: KeyObject;
  try {
    privateKey = createPrivateKey(pem);
  } catch {
    throw new StoreError(`The key file ${path} is not a private key; put the right one back from a backup.`);
  }
  if (privateKey.asymmetricKeyType !== kind) {
    throw new StoreError(
      `The key file ${path} is not ${KIND_WORDS[kind]} key; put the right one back from a backup.`,
    );
  }
  return privateKey;
}

/** Version byte, nonce, ciphertext, tag. A random nonce is safe for 2^32 values under one key (NIST SP 800-38D). */
function seal(key: KeyObject, plaintext: Buffer, context: string): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  cipher.setAAD(Buffer.from(context));
  return Buffer.concat([
    Buffer.of(SEAL_VERSION),
    nonce,
    cipher.update(plaintext),
    cipher.final(),
    cipher.getAuthTag(),
  ]);
}

function unseal(key: KeyObject, sealed: Buffer, context: string): Buffer | undefined {
  if (sealed.length < 1 + NONCE_BYTES + TAG_BYTES || sealed[0] !== SEAL_VERSION) return undefined;
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(1, 1 + NONCE_BYTES), {
    authTagLength: TAG_BYTES,
  });
  decipher.setAAD(Buffer.from(context));
  decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
  try {
    return Buffer.concat([decipher.update(sealed.subarray(1 + NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
  } catch {
    return undefined;
  }
}
