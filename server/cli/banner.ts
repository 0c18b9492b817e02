/** What `serve` says once it serves: where, with what, and what to paste into a host. */
import type { Gateway } from '#compose.ts';

export function banner(gateway: Gateway): string {
  return `Portcullis ${gateway.version} serves on ${gateway.url() ?? 'its sockets'}`;
}
