/** Seeded draws: each is a hash of the seed, its purpose and a number, so there is no generator state to keep or lose. */
import { createHash } from 'node:crypto';

/** In [0, 1); the same arguments give the same draw, for ever. */
export function draw(seed: number, purpose: string, number: string): number {
  const digest = createHash('sha256').update(`${seed}:${purpose}:${number}`).digest();
  return digest.readUInt32BE(0) / 2 ** 32;
}

export function drawPercent(seed: number, purpose: string, number: string): number {
  return draw(seed, purpose, number) * 100;
}

/** A whole number in [min, max]. */
export function drawBetween(
  seed: number,
  purpose: string,
  number: string,
  range: { readonly min: number; readonly max: number },
): number {
  return range.min + Math.floor(draw(seed, purpose, number) * (range.max - range.min + 1));
}
