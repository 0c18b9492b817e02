/** What is wrong with settings together: a start refuses rather than ignore one of them. */
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
  // With remote MCP on, the public host is a name to be reached under.
  if (!loopback && !config.MCP_HTTP_ENABLED && config.PORTCULLIS_ALLOWED_HOSTS.length === 0)
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
  for (const name of ['PORTCULLIS_PUBLIC_CONSOLE', 'PORTCULLIS_PUBLIC_REST'] as const)
    if (config[name] && !config.MCP_HTTP_ENABLED)
      refuse(
        [name, 'MCP_HTTP_ENABLED'],
        `${name}=true has nothing to act on: there is no public host while MCP_HTTP_ENABLED=false; set it to false, or turn remote MCP on.`,
      );
  return wrong;
}
