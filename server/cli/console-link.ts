/** Links into the console as the owner opens them on this machine. */
import type { OneTimeLink } from '#access/owner.ts';
import { refuse } from '#domain/refusal.ts';
import { err, ok } from '#domain/result.ts';
import type { Office } from './office.ts';
import { iso } from './print.ts';

export const CONSOLE_PATH = '/admin';
export const SETUP_PATH = '/admin/setup';
export const RESET_PATH = '/admin/reset';

/** What listens on every address is reached by the one that browsers take for this machine. */
const EVERY_ADDRESS: readonly string[] = ['0.0.0.0', '[::]'];

export function consoleUrl(gatewayUrl: string, path: string): string {
  const url = new URL(path, gatewayUrl);
  if (EVERY_ADDRESS.includes(url.hostname)) url.hostname = '127.0.0.1';
  return url.href;
}

export const oneTimeUrl = (gatewayUrl: string, path: string, { code }: Pick<OneTimeLink, 'code'>): string =>
  consoleUrl(gatewayUrl, `${path}?${new URLSearchParams({ code }).toString()}`);

/** Issues a link that somebody is there to answer; `issue` is not called otherwise. */
export function linkFrom({ engine }: Office, path: string, issue: () => OneTimeLink) {
  const url = engine?.url();
  if (url === undefined)
    return err(
      refuse(
        'not_found',
        'No gateway with a console runs here: start one (npm start), then ask again while it runs.',
      ),
    );
  const link = issue();
  return ok({ url: oneTimeUrl(url, path, link), expires_at: iso(link.expiresAtMs) });
}
