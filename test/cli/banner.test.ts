/** What `serve` says of remote MCP once it serves: where hosts connect, and what is missing for strangers to be told from the owner. */
import { expect, test } from 'vitest';
import { banner } from '#cli/banner.ts';
import { freePort } from '../support/free-port.ts';
import { openTestGateway } from '../support/gateway.ts';

const REMOTE = { MCP_HTTP_ENABLED: 'true', MCP_PUBLIC_URL: 'https://gate.example' };
const port = String(await freePort());
const HERE = { ...REMOTE, MCP_PUBLIC_URL: `http://127.0.0.1:${port}`, PORT: port };
const ONE_ADDRESS = 'TRUSTED_PROXIES is empty';
const OTHER_PORT = 'MCP_PUBLIC_URL leads to port';

test('remote MCP says how a client is let in: by an approval, or by sign-in and consent', async () => {
  for (const [required, told, not] of [
    ['true', 'who asks waits at /admin/remote-mcp', 'without an approval'],
    ['false', 'your sign-in and consent let one in, without an approval', 'waits'],
  ] as const) {
    const settings = { ...REMOTE, TRUSTED_PROXIES: '127.0.0.1', MCP_OAUTH_REQUIRE_APPROVAL: required };
    const { gateway, close } = await openTestGateway({ settings });
    try {
      const [line = ''] = banner(gateway, { onTerminal: false }).match(/^ *Remote MCP.*$/m) ?? [];
      expect(line).toContain(told);
      expect(line).not.toContain(not);
    } finally {
      await close();
    }
  }
});

test.each([
  ['off', {}, false, false, false],
  ['behind a proxy that is trusted', { ...REMOTE, TRUSTED_PROXIES: '127.0.0.1' }, true, false, false],
  ['behind a proxy that nobody named', REMOTE, true, true, false],
  ['on this machine alone', HERE, true, false, false],
  ['on this machine, its port forgotten', { ...HERE, MCP_PUBLIC_URL: 'http://127.0.0.1' }, true, false, true],
] as const)('remote MCP %s', async (_where, settings, isTold, isWarned, isElsewhere) => {
  const { gateway, close } = await openTestGateway({ settings });
  try {
    const said = banner(gateway, { onTerminal: false });
    expect(['Remote MCP  ', ONE_ADDRESS, OTHER_PORT].map((words) => said.includes(words))).toEqual([
      isTold,
      isWarned,
      isElsewhere,
    ]);
  } finally {
    await close();
  }
});
