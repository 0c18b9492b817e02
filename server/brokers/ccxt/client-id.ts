/** Our ids in the form an exchange takes, and back: the same id always maps to the same, so a look-up never depends on memory. */
import { hash } from 'node:crypto';
import type { ExchangeFacts } from './facts.ts';

/** `pc_` and 24 hexadecimal digits, as the order line makes them. */
const OURS = /^pc_([0-9a-f]{24})$/;
/** A UUID of version 8 (RFC 9562: custom): 90 bits of its 122 are ours, the others say so. */
const MARK = '706370';
const WRITTEN = new RegExp(
  `^([0-9a-f]{8})-([0-9a-f]{4})-8([0-9a-f]{3})-8([0-9a-f]{3})-([0-9a-f]{6})${MARK}$`,
);

/** `short` and foreign ids are 18 characters of a SHA-256 (over 100 bits): 32 letters and digits, five bits each. */
const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';
const SHORT_LENGTH = 18;

export function toVenueId(brokerClientId: string, { clientIdFits, mapping }: ExchangeFacts): string {
  if (clientIdFits.test(brokerClientId)) return brokerClientId;
  if (mapping === 'short') return shortOf(brokerClientId);
  const digits = OURS.exec(brokerClientId)?.[1] ?? hash('sha256', brokerClientId).slice(0, 24);
  const part = (from: number, to: number): string => digits.slice(from, to);
  return `${part(0, 8)}-${part(8, 12)}-8${part(12, 15)}-8${part(15, 18)}-${part(18, 24)}${MARK}`;
}

/** undefined: it is not one of ours, or it was mapped in a way that has no way back. */
export function fromVenueId(venueId: string, facts: ExchangeFacts): string | undefined {
  if (OURS.test(venueId)) return venueId;
  const parts = WRITTEN.exec(venueId.toLowerCase());
  if (parts === null || facts.mapping === 'short') return undefined;
  const ours = `pc_${parts.slice(1).join('')}`;
  return toVenueId(ours, facts) === venueId.toLowerCase() ? ours : undefined;
}

function shortOf(text: string): string {
  const bytes = hash('sha256', text, 'buffer');
  let bits = 0;
  let held = 0;
  let written = '';
  for (const byte of bytes) {
    held = (held << 8) | byte;
    bits += 8;
    while (bits >= 5 && written.length < SHORT_LENGTH) {
      bits -= 5;
      written += ALPHABET.charAt((held >> bits) & 31);
    }
    held &= (1 << bits) - 1;
  }
  return written;
}
