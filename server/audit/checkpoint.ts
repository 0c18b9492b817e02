/** Signed checkpoints: where the chain stood, kept elsewhere, because a chain alone can not show that its tail was cut. */
import { createHash, sign, verify } from 'node:crypto';
import { err, ok, type Result } from '#domain/result.ts';
import type { Keyring, SigningKey } from '#store/keyring.ts';
import { canonicalJson, type JsonValue } from './line.ts';
import type { Head } from './rows.ts';

/** Name of the Ed25519 pair in `keys/`; its public half may be kept with the checkpoints. */
const CHECKPOINT_KEY = 'audit-checkpoint';
const PURPOSE = 'portcullis audit checkpoint';

export interface Checkpoint {
  readonly seq: number;
  readonly hash: string;
  /** Wall clock, ISO 8601 UTC. */
  readonly time: string;
}

/** One line of canonical JSON `{hash, key, purpose, seq, signature, time}`; `key` is the fingerprint of the public half. */
export function writeCheckpoint(head: Head, timeMs: number, keyring: Keyring): string {
  const pair = keyring.signingKey(CHECKPOINT_KEY);
  const signed = {
    purpose: PURPOSE,
    seq: head.seq,
    hash: head.hash,
    time: new Date(timeMs).toISOString(),
    key: fingerprint(pair),
  };
  const signature = sign(null, Buffer.from(canonicalJson(signed)), pair.privateKey).toString('base64');
  return canonicalJson({ ...signed, signature });
}

/** The error is half a sentence: what is wrong with the checkpoint itself. */
export function verifyCheckpoint(text: string, keyring: Keyring): Result<Checkpoint, string> {
  const fields = parse(text);
  if (!fields) return err('is not a checkpoint of an audit record');
  const pair = keyring.signingKey(CHECKPOINT_KEY);
  const { signature, ...signed } = fields;
  if (signed.key !== fingerprint(pair))
    return err('was signed by another key than the one in the key folder');
  const good = verify(
    null,
    Buffer.from(canonicalJson({ ...signed })),
    pair.publicKey,
    Buffer.from(signature, 'base64'),
  );
  if (!good) return err('does not carry a good signature: it was altered');
  return ok({ seq: signed.seq, hash: signed.hash, time: signed.time });
}

interface CheckpointFields extends Checkpoint {
  readonly purpose: string;
  readonly key: string;
  readonly signature: string;
}

function parse(text: string): CheckpointFields | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return undefined;
  const { purpose, seq, hash, time, key, signature } = parsed as Readonly<Record<string, JsonValue>>;
  const whole =
    purpose === PURPOSE &&
    typeof seq === 'number' &&
    Number.isSafeInteger(seq) &&
    typeof hash === 'string' &&
    typeof time === 'string' &&
    typeof key === 'string' &&
    typeof signature === 'string';
  return whole ? { purpose, seq, hash, time, key, signature } : undefined;
}

function fingerprint(pair: SigningKey): string {
  const spki = pair.publicKey.export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(spki).digest('hex').slice(0, 32);
}
