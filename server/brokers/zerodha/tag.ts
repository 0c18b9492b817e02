/** Our order ids as Kite's tags: at most twenty letters and digits, and the id again from the tag where it fits into them. */
import { createHash } from 'node:crypto';

const DIGITS = '0123456789abcdefghijklmnopqrstuv';
const OURS = /^pc_([0-9a-f]{24})$/;
/** 96 bits in base 32 begin with 0 or 1, since they leave four of a hundred. */
const REVERSIBLE = /^[01][0-9a-v]{19}$/;
/** No digit of the base: a tag that was hashed is never mistaken for one that can be read back. */
const HASHED = 'z';

/** Deterministic, so that an unclear order can be looked for after a restart. */
export function tagOf(brokerClientId: string): string {
  const [, hex] = OURS.exec(brokerClientId) ?? [];
  if (hex !== undefined) return inBase32(BigInt(`0x${hex}`)).padStart(20, '0');
  const hash = createHash('sha256').update(brokerClientId).digest('hex').slice(0, 24);
  return `${HASHED}${inBase32(BigInt(`0x${hash}`))
    .padStart(20, '0')
    .slice(1)}`;
}

const inBase32 = (value: bigint): string => value.toString(32);

/** The id that a tag stands for; undefined: it was hashed, or is nobody's of ours. */
export function clientIdOf(tag: string): string | undefined {
  if (!REVERSIBLE.test(tag)) return undefined;
  let value = 0n;
  for (const digit of tag) value = value * 32n + BigInt(DIGITS.indexOf(digit));
  const hex = value.toString(16).padStart(24, '0');
  return hex.length === 24 ? `pc_${hex}` : undefined;
}

/** When an id of ours was made, epoch ms: its first 48 bits. */
export function madeAtMs(brokerClientId: string): number | undefined {
  const [, hex] = OURS.exec(brokerClientId) ?? [];
  return hex === undefined ? undefined : Number.parseInt(hex.slice(0, 12), 16);
}
