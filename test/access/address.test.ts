/** Address ranges, IPv4 and IPv6, against arithmetic that shares nothing with the implementation. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { addressList, canonicalAddress, networkOf, parseRange, rangeText, siteOf } from '#access/address.ts';

const rangeOf = (text: string) => {
  const parsed = parseRange(text);
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
};
const admits = (range: string, address: string): boolean => addressList([rangeOf(range)]).admits(address);

const dotted = (bits: bigint): string => [24n, 16n, 8n, 0n].map((shift) => (bits >> shift) & 255n).join('.');
const groups = (bits: bigint): string =>
  Array.from({ length: 8 }, (_, n) => ((bits >> BigInt(112 - 16 * n)) & 0xffffn).toString(16)).join(':');
const sharesPrefix = (a: bigint, b: bigint, prefix: number, width: number): boolean =>
  a >> BigInt(width - prefix) === b >> BigInt(width - prefix);

const ipv4 = fc.bigInt({ min: 0n, max: (1n << 32n) - 1n });
const ipv6 = fc.bigInt({ min: 0n, max: (1n << 128n) - 1n });
/** Addresses near one another, so that prefixes of every length are told apart. */
const near = (width: number) => (bits: bigint, flipped: number) => bits ^ (1n << BigInt(flipped % width));
const isMapped = (bits: bigint): boolean => bits >> 32n === 0xffffn;

describe('a range', () => {
  test('admits exactly the IPv4 addresses that share its prefix', () => {
    fc.assert(
      fc.property(ipv4, fc.nat(32), fc.nat(31), (network, prefix, flipped) => {
        const other = near(32)(network, flipped);
        const range = `${dotted(network)}/${prefix}`;
        expect(admits(range, dotted(network))).toBe(true);
        expect(admits(range, dotted(other))).toBe(sharesPrefix(network, other, prefix, 32));
      }),
    );
  });

  test('admits exactly the IPv6 addresses that share its prefix', () => {
    fc.assert(
      fc.property(ipv6, fc.nat(128), fc.nat(127), (network, prefix, flipped) => {
        const other = near(128)(network, flipped);
        fc.pre(!isMapped(network) && !isMapped(other));
        const range = `${groups(network)}/${prefix}`;
        expect(admits(range, groups(network))).toBe(true);
        expect(admits(range, groups(other))).toBe(sharesPrefix(network, other, prefix, 128));
      }),
    );
  });

  test('takes an IPv4 address written as IPv6 for the IPv4 address, on either side', () => {
    fc.assert(
      fc.property(ipv4, fc.nat(32), fc.nat(31), (network, prefix, flipped) => {
        const other = near(32)(network, flipped);
        const inside = sharesPrefix(network, other, prefix, 32);
        const range = `${dotted(network)}/${prefix}`;
        const mappedRange = `::ffff:${dotted(network)}/${prefix + 96}`;
        for (const spelling of [`::ffff:${dotted(other)}`, groups((0xffffn << 32n) | other)]) {
          expect(admits(range, spelling)).toBe(inside);
          expect(admits(mappedRange, spelling)).toBe(inside);
        }
        expect(admits(mappedRange, dotted(other))).toBe(inside);
      }),
    );
  });

  test('of one family admits no address of the other', () => {
    expect(admits('0.0.0.0/0', '::1')).toBe(false);
    expect(admits('::/0', '10.0.0.1')).toBe(false);
    expect(admits('0.0.0.0/0', '10.0.0.1')).toBe(true);
    expect(admits('::/0', '2001:db8::1')).toBe(true);
  });

  test('without a prefix is one address', () => {
    expect(admits('10.0.0.1', '10.0.0.1')).toBe(true);
    expect(admits('10.0.0.1', '10.0.0.2')).toBe(false);
    expect(rangeText(rangeOf('10.0.0.1'))).toBe('10.0.0.1/32');
    expect(rangeText(rangeOf('2001:DB8:0:0::1'))).toBe('2001:db8::1/128');
  });

  test.each([
    '',
    '10.0.0',
    '10.0.0.0/33',
    '10.0.0.0/-1',
    '10.0.0.0/8/8',
    '10.0.0.0/',
    '10.0.0.0/ 8',
    '010.0.0.1',
    '10.0.0.256',
    '::/129',
    '::ffff:10.0.0.0/95',
    'fe80::1%eth0/64',
    'localhost',
    '*',
  ])('is refused when it is written %j', (text) => {
    expect(parseRange(text).ok).toBe(false);
  });
});

describe('a list', () => {
  test('admits what any of its ranges admits, and nothing when it is empty', () => {
    const list = addressList([rangeOf('10.0.0.0/8'), rangeOf('2001:db8::/32')]);
    expect(list.admits('10.200.0.1')).toBe(true);
    expect(list.admits('2001:db8:1::')).toBe(true);
    expect(list.admits('11.0.0.1')).toBe(false);
    expect(addressList([]).admits('10.0.0.1')).toBe(false);
  });

  test.each(['', 'unknown', '10.0.0.1:443', '10.0.0.1, 10.0.0.2', '10.0.0.1/32', '::ffff:999.0.0.1'])(
    'does not admit %j, which is no address',
    (address) => {
      expect(addressList([rangeOf('0.0.0.0/0'), rangeOf('::/0')]).admits(address)).toBe(false);
    },
  );

  test('leaves out the zone of a link-local address', () => {
    expect(admits('fe80::/10', 'fe80::1%eth0')).toBe(true);
    expect(canonicalAddress('fe80::1%eth0')?.address).toBe('fe80::1');
  });
});

test.each([
  ['192.0.2.1', '192.0.2.1'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['127.255.0.9', 'loopback'],
  ['::ffff:127.0.0.1', 'loopback'],
  ['::1', 'loopback'],
  ['::2', '0:0:0:0'],
  ['2001:db8::1', '2001:db8:0:0'],
  ['2001:DB8:0:7:ffff:ffff:ffff:ffff', '2001:db8:0:7'],
  ['1:2:3:4:5:6:7::', '1:2:3:4'],
  ['fe80::1%eth0', 'fe80:0:0:0'],
  ['::192.0.2.1', '0:0:0:0'],
  ['owner.sock', 'unreadable'],
  ['', 'unreadable'],
])('%s counts as %s', (address, network) => {
  expect(networkOf(address)).toBe(network);
});

test.each([
  ['2001:db8:1:2::5', '2001:db8:1'],
  ['2001:db8:1:ffff::', '2001:db8:1'],
  ['2001:db8:2:2::5', '2001:db8:2'],
  ['203.0.113.7', '203.0.113.7'],
  ['::ffff:203.0.113.7', '203.0.113.7'],
  ['::1', 'loopback'],
  ['nonsense', 'unreadable'],
])('the network of %s belongs to the site %s', (address, site) => {
  expect(siteOf(networkOf(address))).toBe(site);
});
