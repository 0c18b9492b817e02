/** Addresses of a broker: encrypted, except to this machine itself, where a simulator or a proxy may listen. */
import { z } from 'zod';

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;
const ENCRYPTED: ReadonlySet<string> = new Set(['https:', 'wss:']);
const PLAIN: ReadonlySet<string> = new Set(['http:', 'ws:']);

export function isLoopbackUrl(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && LOOPBACK.test(url.hostname);
}

/** Keys travel on it: a plain connection is for loopback alone. Throws otherwise, without the address. */
export function safeEndpoint(text: string): URL {
  const url = URL.parse(text);
  if (url === null) throw new RangeError('An address of the broker is malformed.');
  if (url.username !== '' || url.password !== '')
    throw new RangeError('An address of the broker holds a name or a password.');
  if (ENCRYPTED.has(url.protocol) || (PLAIN.has(url.protocol) && LOOPBACK.test(url.hostname))) return url;
  throw new RangeError('An address of the broker is neither encrypted nor on this machine.');
}

/** For the optional setting `endpoints` of an adapter: a simulator or a proxy on loopback, and nothing else. */
export const loopbackEndpoint = z
  .string()
  .max(200)
  .refine((text) => isLoopbackUrl(text) && isSafe(text), {
    message: 'must be an address on this machine (localhost, 127.0.0.1 or [::1])',
  });

/** What stands before an @ is kept in clear with the settings. */
function isSafe(text: string): boolean {
  const url = URL.parse(text);
  if (url === null || url.username !== '' || url.password !== '') return false;
  return ENCRYPTED.has(url.protocol) || PLAIN.has(url.protocol);
}
