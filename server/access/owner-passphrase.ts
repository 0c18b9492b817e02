/** The owner's passphrase: what may be one, and its argon2id hash, of which two at most are made at a time. */
import { type Argon2Parameters, argon2, randomBytes, timingSafeEqual } from 'node:crypto';
import { type FieldError, fieldError, type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import {
  PASSPHRASE_COST,
  PASSPHRASE_HASHES_MAX,
  PASSPHRASE_HASHES_WAITING_MAX,
  PASSPHRASE_LENGTH_MAX,
  PASSPHRASE_LENGTH_MIN,
} from '#limits.ts';

export interface PassphraseCost {
  readonly memoryKib: number;
  readonly passes: number;
}

/** Who waits for a hash: those the gateway knows go first, so that strangers can not keep the owner waiting. */
export type Lane = 'known' | 'stranger';

export interface Passphrases {
  hash(passphrase: string, lane: Lane): Promise<Result<string, Refusal>>;
  /** Takes as long when nothing is stored, or when what was typed can not be a passphrase. */
  matches(passphrase: string, stored: string | undefined, lane: Lane): Promise<Result<boolean, Refusal>>;
  /** The refusal of a hash that could not even wait; asked before a try is counted. */
  busy(lane: Lane): Refusal | undefined;
}

const SALT_BYTES = 16;
const HASH_BYTES = 32;
const PHC = /^\$argon2id\$v=19\$m=(\d{1,8}),t=(\d{1,3}),p=1\$([A-Za-z0-9+/]{22})\$([A-Za-z0-9+/]{43})$/;

export function openPassphrases(cost: PassphraseCost = PASSPHRASE_COST): Passphrases {
  const queue = openQueue();
  /** What wrong names are compared with: the cost of a hash is the same, and no passphrase fits. */
  const nobody = written(cost, randomBytes(SALT_BYTES), randomBytes(HASH_BYTES));
  return {
    busy: queue.busy,
    hash: (passphrase, lane) =>
      queue.run(lane, async () => {
        const salt = randomBytes(SALT_BYTES);
        return written(cost, salt, await derived(passphrase, salt, cost));
      }),
    matches: (passphrase, stored, lane) =>
      queue.run(lane, async () => {
        const { salt, hash, ...as } = parsed(stored ?? nobody);
        // Longer than any passphrase: nobody's, at the cost of any.
        const given = await derived(passphrase.length <= PASSPHRASE_LENGTH_MAX ? passphrase : '', salt, as);
        return timingSafeEqual(given, hash) && stored !== undefined;
      }),
  };
}

/** Why this can not be the passphrase, if so; the passphrase itself is in no part of the answer. */
export function refusedPassphrase(passphrase: string, owner: string): readonly FieldError[] {
  const length = Array.from(passphrase.normalize('NFKC')).length;
  const isName = passphrase.trim().toLowerCase() === owner.toLowerCase();
  if (length >= PASSPHRASE_LENGTH_MIN && passphrase.length <= PASSPHRASE_LENGTH_MAX && !isName) return [];
  const rule = isName
    ? 'something other than the name'
    : `${PASSPHRASE_LENGTH_MIN} to ${PASSPHRASE_LENGTH_MAX} characters`;
  return [fieldError('passphrase', '', rule)];
}

/** One spelling of what looks the same, whatever keyboard typed it (NIST SP 800-63B, 5.1.1.2). */
function derived(passphrase: string, nonce: Buffer, cost: PassphraseCost): Promise<Buffer> {
  const parameters: Argon2Parameters = {
    message: passphrase.normalize('NFKC'),
    nonce,
    parallelism: 1,
    tagLength: HASH_BYTES,
    memory: cost.memoryKib,
    passes: cost.passes,
  };
  return new Promise((resolve, reject) => {
    argon2('argon2id', parameters, (fault, key) => (fault ? reject(fault) : resolve(key)));
  });
}

const base64 = (bytes: Buffer): string => bytes.toString('base64').replace(/=+$/, '');
const written = (cost: PassphraseCost, salt: Buffer, hash: Buffer): string =>
  `$argon2id$v=19$m=${cost.memoryKib},t=${cost.passes},p=1$${base64(salt)}$${base64(hash)}`;

function parsed(stored: string): PassphraseCost & { readonly salt: Buffer; readonly hash: Buffer } {
  const [, memory, passes, salt, hash] = PHC.exec(stored) ?? [];
  if (salt === undefined || hash === undefined)
    throw new Error('the stored passphrase is not an argon2id hash');
  return {
    memoryKib: Number(memory),
    passes: Number(passes),
    salt: Buffer.from(salt, 'base64'),
    hash: Buffer.from(hash, 'base64'),
  };
}

/** At most PASSPHRASE_HASHES_MAX run; a bounded number waits, the known ones before strangers. */
function openQueue() {
  const waiting: { readonly [lane in Lane]: (() => void)[] } = { known: [], stranger: [] };
  let running = 0;
  function busy(lane: Lane): Refusal | undefined {
    if (running < PASSPHRASE_HASHES_MAX || waiting[lane].length < PASSPHRASE_HASHES_WAITING_MAX)
      return undefined;
    return refuse('rate_limited', 'Too many people are signing in at this moment; try again in a second.', {
      retry_after: 1,
    });
  }
  return {
    busy,
    async run<T>(lane: Lane, work: () => Promise<T>): Promise<Result<T, Refusal>> {
      const full = busy(lane);
      if (full) return err(full);
      // Whoever is woken takes over the place of the one that has ended, so that it is never given away twice.
      if (running < PASSPHRASE_HASHES_MAX) running++;
      else await new Promise<void>((wake) => waiting[lane].push(wake));
      try {
        return ok(await work());
      } finally {
        const next = waiting.known.shift() ?? waiting.stranger.shift();
        if (next) next();
        else running--;
      }
    },
  };
}
