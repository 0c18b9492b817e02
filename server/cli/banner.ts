/** What `serve` says once it serves: where, with what, and what to paste into a host. */
import type { Gateway } from '#compose.ts';
import { claudeCodeHttp, claudeCodeStdio, cursorHttpConfig, hostConfig, stdioLaunch } from './snippets.ts';

const indented = (text: string): string => text.replaceAll(/^/gm, '    ');

export function banner(gateway: Gateway): string {
  const { config, tape, accounts, feed } = gateway;
  const url = gateway.url() ?? '';
  const launch = stdioLaunch(config);
  const names = accounts
    .list()
    .map((account) => `${account.id} (${account.broker}, ${account.currency})`)
    .join(', ');
  const halted =
    gateway.access.gatewayState() === 'ACTIVE'
      ? []
      : ['', '  The gate is DOWN: `portcullis resume` raises it.'];
  return [
    '',
    `Portcullis ${gateway.version}`,
    '',
    `  Listens on  ${url}  (MCP at /mcp, REST at /api/v1, its reference at /docs)`,
    `  Accounts    ${names === '' ? 'none' : names}`,
    `  Market      ${tape.instrument.symbol}: ${tape.length} recorded bars of ${tape.timeframe}, one every ${feed.timing().barSeconds} s, now at ${new Date(feed.nowMs()).toISOString().slice(0, 10)}`,
    `  Data        ${config.DATA_DIR}`,
    ...halted,
    '',
    'Make a key for an agent, then give the agent a mandate:',
    '',
    indented('npx portcullis keys create --agent claude --scopes read:market,read:account,write:orders'),
    indented('npx portcullis mandates example > mandate.json'),
    indented('npx portcullis mandates set claude --file mandate.json'),
    '',
    'Claude Code, over stdio (as the agent `local`, which may trade on paper) or over HTTP with the key:',
    '',
    indented(claudeCodeStdio(launch)),
    indented(claudeCodeHttp(url)),
    '',
    'Claude Desktop (claude_desktop_config.json) and Cursor (~/.cursor/mcp.json):',
    '',
    indented(hostConfig(launch)),
    '',
    'Cursor over HTTP with the key:',
    '',
    indented(cursorHttpConfig(url)),
    '',
    'Stop everything at once: npx portcullis kill. Ctrl-C ends the gateway.',
  ].join('\n');
}
