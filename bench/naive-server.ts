/** The other yardstick: the SDK as its first example shows it, a high-level server with every tool built for each request. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { toNodeHandler } from '@modelcontextprotocol/node';
import {
  type CallToolResult,
  createMcpHandler,
  fromJsonSchema,
  type JsonSchemaType,
  McpServer,
} from '@modelcontextprotocol/server';
import { z } from 'zod';
import { TOOLS } from '#tools/index.ts';

/** It knows neither keys nor limits nor a record, and its market stands still. */
const QUOTES = {
  quotes: [
    {
      symbol: 'SPX',
      bid: '1469.25',
      ask: '1469.26',
      last: '1469.25',
      bid_size: '9318000',
      ask_size: '9318000',
      time: '2000-01-03T14:30:00.000Z',
      age_ms: 1,
      source: 'derived',
    },
  ],
  unavailable: [],
};
const ANSWER: CallToolResult = {
  content: [{ type: 'text', text: JSON.stringify(QUOTES) }],
  structuredContent: QUOTES,
};
// Schemas are made once, as they would be; what is done for each request is to register them.
const tools = TOOLS.map(({ name, title, description, inputSchema }) => ({
  name,
  config: {
    title,
    description,
    inputSchema: fromJsonSchema(inputSchema as unknown as JsonSchemaType),
    outputSchema: z.looseObject({}),
  },
}));

const serve = toNodeHandler(
  createMcpHandler(() => {
    const server = new McpServer({ name: 'naive', version: '1.0.0' });
    for (const { name, config } of tools) server.registerTool(name, config, () => ANSWER);
    return server;
  }),
);
const http = createServer(
  (request, response) => void serve(request as Parameters<typeof serve>[0], response),
);
http.listen(0, '127.0.0.1', () => {
  console.log(`Listens on http://127.0.0.1:${(http.address() as AddressInfo).port}`);
});
process.once('SIGTERM', () => {
  http.close();
  http.closeAllConnections();
});
