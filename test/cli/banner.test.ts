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
