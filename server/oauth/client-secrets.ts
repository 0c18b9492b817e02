/** Secrets of clients that can keep one: shown once, kept as SHA-256, compared in constant time. */
import { hash, randomBytes, timingSafeEqual } from 'node:crypto';

/** 256 random bits, for which a fast hash is enough. */
export const newClientSecret = (): string => randomBytes(32).toString('base64url');
export const hashOfSecret = (secret: string): Buffer => hash('sha256', secret, 'buffer');

/** `kept` null: a public client, or none of that id; it takes as long, and no secret is right. */
export function secretFits(presented: string, kept: Buffer | null): boolean {
  const given = hashOfSecret(presented);
  const isSame = timingSafeEqual(given, kept ?? NO_SECRET);
  return kept !== null && isSame;
}
const NO_SECRET = Buffer.alloc(32);
