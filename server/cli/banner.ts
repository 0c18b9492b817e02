/** What `serve` says once it serves: where the console is, what there is to set up, and how to stop it. */
import type { Gateway } from '#compose.ts';
import type { Config } from '#config.ts';
import { claudeCodeStdio } from '#console/connect-snippets.ts';
import { isLoopbackName } from '#http/perimeter.ts';
import { ONE_TIME_LINK_TTL_MS } from '#limits.ts';
import { CONSOLE_PATH, consoleUrl, oneTimeUrl, SETUP_PATH } from './console-link.ts';
import { stdioLaunch } from './snippets.ts';

/** `onTerminal`: a setup code is for the person who looks, and for no file, pipe or journal. */
export function banner(gateway: Gateway, { onTerminal }: { readonly onTerminal: boolean }): string {
  const { config, tape, accounts, feed } = gateway;
  const url = gateway.url() ?? '';
  const names = accounts
    .list()
    .map((account) => `${account.id} (${account.broker}, ${account.currency})`)
    .join(', ');
  const halted =
    gateway.access.gatewayState() === 'ACTIVE'
      ? []
      : ['', '  The gate is DOWN: `npx portcullis resume` raises it.'];
  return [
    '',
    `Portcullis ${gateway.version}`,
    '',
    `  Console     ${consoleUrl(url, CONSOLE_PATH)}`,
    `  Listens on  ${url}  (MCP at /mcp, REST at /api/v1, its reference at /docs)`,
    ...forHosts(config, url),
    `  Accounts    ${names === '' ? 'none' : names}`,
    `  Market      ${tape.instrument.symbol}: ${tape.length} recorded bars of ${tape.timeframe}, one every ${feed.timing().barSeconds} s, now at ${new Date(feed.nowMs()).toISOString().slice(0, 10)}`,
    `  Data        ${config.DATA_DIR}`,
    ...halted,
    '',
    ...firstSteps(gateway, url, onTerminal),
    '',
    'Stop everything at once: npx portcullis kill. Ctrl-C ends the gateway.',
  ].join('\n');
}

const NOBODY_TOLD_APART =
  "              TRUSTED_PROXIES is empty: everybody who comes through your proxy is one address here, and a stranger's wrong tries count as yours.";

/** Nobody should have to guess whether the internet is let in, and to what. */
function forHosts(config: Config, url: string): readonly string[] {
  const { MCP_HTTP_ENABLED: on, MCP_PUBLIC_URL: publicUrl, MCP_OAUTH_WRITE_SCOPE_ENABLED: writes } = config;
  const way = config.MCP_OAUTH_REQUIRE_APPROVAL
    ? 'who asks waits at /admin/remote-mcp'
    : 'your sign-in and consent let one in, without an approval';
  if (!on || publicUrl === undefined) return [];
  return [
    `  Remote MCP  ${publicUrl.origin}/mcp  (for hosts, which ${writes ? 'may be let trade' : 'read only'}; ${way})`,
    ...(isLoopbackName(publicUrl.hostname) ? elsewhere(publicUrl, url) : []),
    ...(config.TRUSTED_PROXIES.length > 0 || isLoopbackName(publicUrl.hostname) ? [] : [NOBODY_TOLD_APART]),
  ];
}

/** On this machine there is no proxy that would lead from one port to another. */
function elsewhere(publicUrl: URL, url: string): readonly string[] {
  const portOf = ({ port }: URL): string => port || '80';
  const listens = URL.parse(url);
  if (listens === null || portOf(listens) === portOf(publicUrl)) return [];
  return [
    `              MCP_PUBLIC_URL leads to port ${portOf(publicUrl)}, and this gateway listens on ${portOf(listens)}: no host gets through unless something passes it on.`,
  ];
}

function firstSteps({ access, config }: Gateway, url: string, onTerminal: boolean): readonly string[] {
  if (access.owner.record() !== undefined)
    return [
      `Connect an agent: ${consoleUrl(url, `${CONSOLE_PATH}/connect`)}, or Claude Code as \`local\`, which may trade on paper:`,
      '',
      `    ${claudeCodeStdio(stdioLaunch(config))}`,
    ];
  if (!onTerminal)
    return ['Nobody owns this gateway yet: `npx portcullis setup-link` prints the link to set it up.'];
  return [
    `Nobody owns this gateway yet. Set it up in a browser on this machine; the link is good once, for ${ONE_TIME_LINK_TTL_MS / 60_000} minutes`,
    '(`npx portcullis setup-link` prints another one):',
    '',
    `    ${oneTimeUrl(url, SETUP_PATH, access.owner.issueSetupCode())}`,
  ];
}
