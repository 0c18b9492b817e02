/** What agents reach of a gateway, through every door alike: the tools, what MCP shows beside them, and what programs are told. */
import { type McpOffer, mcpOffer } from '#http/mcp-server.ts';
import { openChangeFeed } from '#tools/change-feed.ts';
import type { ToolServices } from '#tools/define.ts';
import { type Dispatcher, openDispatcher } from '#tools/dispatch.ts';
import { openLibrary } from '#tools/library.ts';
import { type MarketWatch, openMarketWatch } from '#tools/market-watch.ts';
import { openStreamSource, type StreamSource } from '#tools/stream-source.ts';
import type { Office, RunningOffice } from './office.ts';

export interface AgentSide {
  readonly watch: MarketWatch;
  readonly dispatcher: Dispatcher;
  readonly mcp: McpOffer;
  readonly stream: StreamSource;
}

export function agentSide(
  { clock, store, audit, access, book }: Office,
  { trading, markets }: Pick<RunningOffice['engine'], 'trading' | 'markets'>,
  given: Pick<ToolServices, 'version' | 'remoteMcp'>,
): AgentSide {
  const changes = openChangeFeed({ audit, markets, access });
  const watch = openMarketWatch({ changes, clock, access });
  const services: ToolServices = {
    ...given,
    desk: trading,
    watch,
    book,
    markets,
    access,
    audit,
    transaction: (work) => store.transaction(work),
    clock,
  };
  const dispatcher = openDispatcher(services);
  const mcp = mcpOffer(dispatcher, openLibrary({ markets, book, changes, access }, dispatcher), clock);
  const stream = openStreamSource({ book, markets, access, changes, desk: trading, clock }, dispatcher);
  return { watch, dispatcher, mcp, stream };
}
