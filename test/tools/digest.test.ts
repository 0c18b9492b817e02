// The digest binds a token and a key to the arguments and to nothing else.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { digestOf } from '#tools/digest.ts';

const ORDER = { symbol: 'SPX', side: 'buy', qty: '1', type: 'market' };

describe('the digest of a call', () => {
  it('leaves out how the call is meant, and nothing else', () => {
    const committed = { ...ORDER, dry_run: false, action_token: 'act_1', idempotency_key: 'k' };
    expect(digestOf(committed)).toBe(digestOf({ ...ORDER, dry_run: true }));
    expect(digestOf(committed)).not.toBe(digestOf({ ...ORDER, client_order_id: 'k' }));
  });

  it('does not depend on the order of the fields, nor on fields that are absent', () => {
    expect(digestOf({ type: 'market', qty: '1', side: 'buy', symbol: 'SPX', tag: undefined })).toBe(
      digestOf(ORDER),
    );
  });

  it('is SHA-256 of the canonical JSON', () => {
    // printf '{"qty":"1","side":"buy","symbol":"SPX","type":"market"}' | sha256sum
    expect(digestOf(ORDER)).toBe('36ebf4a5df6abdb75d5fcd80e39e626f412bcda9f796fc8f620ddb0336f429c0');
  });

  it('changes with any value, however near', () => {
    const args = fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.boolean(), fc.integer()));
    fc.assert(
      fc.property(args, fc.string(), fc.string(), fc.string(), (rest, field, one, other) => {
        fc.pre(one !== other && !['dry_run', 'action_token', 'idempotency_key', '__proto__'].includes(field));
        expect(digestOf({ ...rest, [field]: one })).not.toBe(digestOf({ ...rest, [field]: other }));
      }),
    );
  });
});
