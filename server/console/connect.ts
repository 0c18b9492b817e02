/** Connect: what to paste into each host, with the real address and paths of this gateway, and no key in it. */
import { ok } from '#domain/result.ts';
import { HOSTS, hostById, KEY_PLACEHOLDER, KEY_VARIABLE } from './connect-snippets.ts';
import { definePage } from './define.ts';
import type { ConsoleServices } from './desks.ts';

export const connect = definePage({
  path: '/connect',
  title: 'Connect',
  view: 'connect.html',
  scripts: ['copy.js'],
  nav: { label: 'Connect', group: 'agents' },
  load({ services, query, origin }) {
    const { access, stdio } = services;
    const [first] = HOSTS;
    const host = hostById(query['host'] ?? '') ?? first;
    const agents = access.agents.list().map((agent) => agent.name);
    const agent = agents.find((name) => name === query['agent']);
    return ok({
      hosts: HOSTS.map(({ id, label }) => ({ id, label, here: id === host?.id })),
      host: host && {
        id: host.id,
        label: host.label,
        snippets: host.snippets({ origin, stdio, key: KEY_PLACEHOLDER }),
        link: installLink(host.id, origin),
      },
      key: { variable: KEY_VARIABLE, placeholder: KEY_PLACEHOLDER },
      agents,
      agent: agent ?? null,
      origin,
      remote: remoteAddress(services),
      command: [stdio.command, ...stdio.args].join(' '),
    });
  },
});

/** What a hosted client is given; null while none is served. */
function remoteAddress({ remote }: Pick<ConsoleServices, 'remote'>): string | null {
  const { on, publicUrl } = remote.state();
  return on && publicUrl !== null ? `${publicUrl}/mcp` : null;
}

/**
 * What installs it with one click, over HTTP and with the key asked for or read from the environment: a link stands in the
 * history of a browser, so no key may stand in it.
 */
function installLink(host: string, origin: string): { readonly href: string; readonly words: string } | null {
  const url = `${origin}/mcp`;
  const headers = (key: string) => ({ Authorization: `Bearer ${key}` });
  switch (host) {
    case 'cursor': {
      const config = JSON.stringify({ url, headers: headers(`\${env:${KEY_VARIABLE}}`) });
      const encoded = encodeURIComponent(Buffer.from(config).toString('base64'));
      return {
        href: `cursor://anysphere.cursor-deeplink/mcp/install?name=portcullis&config=${encoded}`,
        words: `Add to Cursor, which reads the key from ${KEY_VARIABLE}`,
      };
    }
    case 'vs-code': {
      const id = 'portcullis-key';
      const config = {
        name: 'portcullis',
        type: 'http',
        url,
        headers: headers(`\${input:${id}}`),
        inputs: [{ type: 'promptString', id, description: 'Portcullis API key', password: true }],
      };
      return {
        href: `vscode:mcp/install?${encodeURIComponent(JSON.stringify(config))}`,
        words: 'Add to VS Code, which asks for the key once',
      };
    }
    default:
      return null;
  }
}
