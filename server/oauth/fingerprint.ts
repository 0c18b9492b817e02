/** A client's id in eight characters that a person can compare: what the waiting page shows, the console shows too. */
import { hash } from 'node:crypto';

/** `7f3a-91c2`: the name of a client is its own words, so the owner compares this. 32 bits: for eyes, never for a decision. */
export function fingerprint(clientId: string): string {
  const digest = hash('sha256', `portcullis client ${clientId}`, 'hex');
  return `${digest.slice(0, 4)}-${digest.slice(4, 8)}`;
}
