/** What is wrong with settings together, and what this version does not have: a start refuses rather than ignore it. */
import type { Config, SettingName } from '#config.ts';
import { LOOPBACK_NAME } from './setting-rules.ts';

export interface RefusedCombination {
  /** Any of these could be changed to put it right; the first is the one that asks for something. */
  readonly names: readonly SettingName[];
  readonly sentence: string;
}

export function refusedCombinations(config: Config): readonly RefusedCombination[] {
  const wrong: RefusedCombination[] = [];
  const refuse = (names: readonly SettingName[], sentence: string) => void wrong.push({ names, sentence });
  const loopback = LOOPBACK_NAME.test(config.HOST);
  if (!loopback && config.PORTCULLIS_ALLOWED_HOSTS.length === 0)
    refuse(
      ['HOST', 'PORTCULLIS_ALLOWED_HOSTS'],
      `HOST=${config.HOST} is not loopback: set PORTCULLIS_ALLOWED_HOSTS to the names under which this gateway may be reached.`,
    );
  if (config.MCP_OAUTH_WRITE_SCOPE_ENABLED && !config.MCP_OAUTH_REQUIRE_APPROVAL)
    refuse(
      ['MCP_OAUTH_WRITE_SCOPE_ENABLED', 'MCP_OAUTH_REQUIRE_APPROVAL'],
      'MCP_OAUTH_WRITE_SCOPE_ENABLED=true needs MCP_OAUTH_REQUIRE_APPROVAL=true: a client that may trade is approved by the owner.',
    );
  if (config.MCP_HTTP_ENABLED && config.MCP_PUBLIC_URL === undefined)
    refuse(
      ['MCP_HTTP_ENABLED', 'MCP_PUBLIC_URL'],
      'MCP_PUBLIC_URL is required with MCP_HTTP_ENABLED=true: the origin under which clients reach this gateway.',
    );
  for (const name of ['MCP_HTTP_ENABLED', 'PORTCULLIS_PUBLIC_CONSOLE', 'PORTCULLIS_PUBLIC_REST'] as const)
    if (config[name])
      refuse(
        [name],
        `${name}=true has nothing to switch on: this version serves no remote clients and has no public host; set it to false.`,
      );
  return wrong;
}

/** Why nobody remote is served, whatever else is set: a start refuses the switch by itself. undefined: they can be served. */
export function whyNoRemote(config: Config): string | undefined {
  const asked = { ...config, MCP_HTTP_ENABLED: true, MCP_PUBLIC_URL: config.MCP_PUBLIC_URL ?? SOME_ORIGIN };
  return refusedCombinations(asked).find(({ names }) => names.join() === 'MCP_HTTP_ENABLED')?.sentence;
}
const SOME_ORIGIN = new URL('https://gate.example.com');
