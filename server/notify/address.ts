/** Where messages may go: over TLS, or to this machine. */
import { isIPv4 } from 'node:net';
import { z } from 'zod';

/** A host as it stands in a URL or a setting: `localhost`, `127.0.0.1`, `[::1]`. */
export const isLoopbackHost = (host: string): boolean =>
  host === 'localhost' || host === '::1' || host === '[::1]' || (isIPv4(host) && host.startsWith('127.'));

/** Why a message may not be sent there, as half a sentence; undefined: it may. */
export function whyNoUrl(text: string): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined) return 'must be a whole address that begins with https://';
  const safe = url.protocol === 'https:' || (url.protocol === 'http:' && isLoopbackHost(url.hostname));
  if (!safe) return 'must begin with https://; http:// is for this machine alone';
  if (url.username !== '' || url.password !== '') return 'must not carry a name or password before the host';
  return undefined;
}

export const httpsUrl = z
  .string()
  .trim()
  .max(2_000)
  .superRefine((text, context) => {
    const why = whyNoUrl(text);
    if (why !== undefined) context.addIssue({ code: 'custom', message: why });
  });
