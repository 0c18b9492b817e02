/** A gateway as strangers on the Internet meet it: through the owner's proxy, each from an address of its own. */
import type { Agent } from 'node:http';
import { openTestGateway, type TestGateway } from './gateway.ts';
import { type RawAnswer, send } from './raw-http.ts';

export const HOST = 'gate.example';

export interface Registering {
  readonly gate: TestGateway;
  /** A text is sent as it is; everything else as JSON. */
  post(body: unknown, o?: PostOptions): Promise<RawAnswer>;
  close(): Promise<void>;
}
export interface PostOptions {
  readonly path?: string;
  readonly method?: string;
  readonly address?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly agent?: Agent;
}

export async function openRegistering(settings: Readonly<Record<string, string>> = {}): Promise<Registering> {
  const gate = await openTestGateway({
    settings: {
      MCP_HTTP_ENABLED: 'true',
      MCP_PUBLIC_URL: `https://${HOST}`,
      TRUSTED_PROXIES: '127.0.0.1',
      ...settings,
    },
  });
  const port = Number(new URL(gate.url).port);
  return {
    gate,
    post: (body, o = {}) =>
      send({
        port,
        method: o.method ?? 'POST',
        path: o.path ?? '/oauth/register',
        headers: {
          host: HOST,
          'x-forwarded-for': o.address ?? '203.0.113.7',
          'x-forwarded-proto': 'https',
          'user-agent': 'Host/1.0',
          ...o.headers,
        },
        body,
        ...(o.agent === undefined ? {} : { agent: o.agent }),
      }),
    close: () => gate.close(),
  };
}
