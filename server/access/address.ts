/** Address lists in CIDR notation, for IPv4 and IPv6; an IPv4 address written as IPv6 is the IPv4 address. */
import { BlockList, isIPv4, isIPv6, SocketAddress } from 'node:net';
import { err, ok, type Result } from '#domain/result.ts';

export interface AddressRange {
  readonly family: 'ipv4' | 'ipv6';
  /** Canonical spelling, without the prefix. */
  readonly address: string;
  readonly prefix: number;
}

/** RFC 4291, section 2.5.5.2: ::ffff:a.b.c.d. */
const MAPPED = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/;
const MAPPED_BITS = 96;

/** One address as its canonical spelling and family; undefined when it is none. A zone (`%eth0`) is left out. */
export function canonicalAddress(given: string): Omit<AddressRange, 'prefix'> | undefined {
  const bare = given.replace(/%[0-9A-Za-z_.-]{1,32}$/, '');
  if (isIPv4(bare)) return { family: 'ipv4', address: bare };
  if (!isIPv6(bare)) return undefined;
  const { address } = new SocketAddress({ address: bare, family: 'ipv6' });
  const mapped = MAPPED.exec(address)?.[1];
  return mapped === undefined ? { family: 'ipv6', address } : { family: 'ipv4', address: mapped };
}

/** What a proxy vouched for and nobody can read is one address, however it is spelled. */
export const UNREADABLE = 'unreadable';

/** For a log or the record: an address is one, and never a text of the caller's. */
export const shownAddress = (given: string | undefined): string =>
  canonicalAddress(given ?? '')?.address ?? UNREADABLE;

/** RFC 4291, section 2.5.4: a subscriber is given a /64 whole, and has 2^64 addresses to try from. */
const IPV6_NETWORK_GROUPS = 4;
/** RFC 6177: many subscribers are given a /48, and tunnels give one to whoever asks. */
const IPV6_SITE_GROUPS = 3;

/** This machine, whatever it calls itself. */
export const LOOPBACK = 'loopback';

/** Whose address it is, for counting: this machine, an IPv4 address, or the /64 of an IPv6 one. */
export function networkOf(given: string): string {
  const canonical = canonicalAddress(given);
  if (!canonical) return UNREADABLE;
  const { family, address } = canonical;
  if (address === '::1' || (family === 'ipv4' && address.startsWith('127.'))) return LOOPBACK;
  return family === 'ipv4' ? address : networkGroups(address).slice(0, IPV6_NETWORK_GROUPS).join(':');
}

/** Of a network as it is counted: the /48 that whoever has one has 65,536 networks in; of every other network itself. */
export const siteOf = (network: string): string => network.split(':', IPV6_SITE_GROUPS).join(':');

/** The eight groups of a canonical IPv6 address, with what `::` leaves out. */
function networkGroups(address: string): readonly string[] {
  const [head = '', tail] = address.split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  return [...before, ...Array<string>(8 - before.length - after.length).fill('0'), ...after];
}

/** `10.0.0.0/8`, `2001:db8::/32`, or one address; the error is the rule that it broke. */
export function parseRange(given: string): Result<AddressRange, string> {
  const rule = 'an address or a range such as 10.0.0.0/8 or 2001:db8::/32';
  const [bare = '', bits, ...rest] = given.trim().split('/');
  const network = rest.length === 0 && !bare.includes('%') ? canonicalAddress(bare) : undefined;
  if (!network) return err(rule);
  const width = network.family === 'ipv4' ? 32 : 128;
  if (bits === undefined) return ok({ ...network, prefix: width });
  if (!/^\d{1,3}$/.test(bits)) return err(rule);
  const isMapped = network.family === 'ipv4' && !isIPv4(bare);
  const prefix = Number(bits) - (isMapped ? MAPPED_BITS : 0);
  if (prefix < 0 || prefix > width) {
    const least = isMapped ? MAPPED_BITS : 0;
    return err(`a prefix between ${least} and ${least + width}`);
  }
  return ok({ ...network, prefix });
}

export const rangeText = (range: AddressRange): string => `${range.address}/${range.prefix}`;

/** Whether an address lies in one of the ranges; an unreadable address lies in none. */
export function addressList(ranges: readonly AddressRange[]): { admits(address: string): boolean } {
  // A list a family: one list takes an IPv4 address for ::ffff:0:0/96 and lets `::/0` admit it.
  const lists = { ipv4: new BlockList(), ipv6: new BlockList() };
  for (const { address, prefix, family } of ranges) lists[family].addSubnet(address, prefix, family);
  return {
    admits(address) {
      const canonical = canonicalAddress(address);
      return canonical !== undefined && lists[canonical.family].check(canonical.address, canonical.family);
    },
  };
}
