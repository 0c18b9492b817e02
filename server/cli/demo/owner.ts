/** The owner of the demo, at a command line of their own. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { Market } from './market.ts';
import { type Agent, DemoError, type Stage } from './stage.ts';
import type { Teller } from './teller.ts';

const SCALPER = 'scalper';

/** Throws DemoError when the command failed; what it printed as JSON otherwise. */
export async function ownerRuns<S extends z.ZodType>(
  stage: Stage,
  shape: S,
  ...args: readonly string[]
): Promise<z.output<S>> {
  const { code, stdout, stderr } = await stage.cli(...args);
  if (code !== 0)
    throw new DemoError(
      `portcullis ${args.slice(0, 2).join(' ')} ended with ${String(code)}: ${stderr.trim()}`,
    );
  return shape.parse(JSON.parse(stdout));
}

export async function anAgentOverHttp(
  stage: Stage,
  { chapter, line }: Teller,
  { symbol }: Market,
): Promise<Agent> {
  chapter('The owner lets a second agent in, over HTTP with a key');
  const key = await ownerRuns(
    stage,
    z.object({ key: z.string() }),
    'keys',
    'create',
    '--json',
    '--agent',
    SCALPER,
    '--scopes',
    'read:market,read:account,write:orders',
  );
  line(`$ portcullis keys create --agent ${SCALPER} --scopes read:market,read:account,write:orders`);
  const file = join(stage.folder, 'mandate.json');
  writeFileSync(file, JSON.stringify(scalperMandate(symbol)));
  await ownerRuns(
    stage,
    z.object({ version: z.int() }),
    'mandates',
    'set',
    SCALPER,
    '--file',
    file,
    '--json',
  );
  line(`$ portcullis mandates set ${SCALPER} --file mandate.json    (at most 4000 an order)`);
  const agent = await stage.overHttp(SCALPER, key.key);
  line(
    `An MCP client connected to ${stage.url}/mcp: protocol ${agent.protocol}, ${agent.tools} tools, as "${agent.name}".`,
  );
  return agent;
}

const scalperMandate = (symbol: string) => ({
  accounts: ['paper'],
  symbols: [symbol],
  sides: ['buy', 'sell'],
  order_types: ['market', 'limit', 'stop', 'trailing_stop'],
  max_order_qty: '1000000',
  max_order_value: '4000',
  max_daily_value: '20000',
  max_daily_orders: 20,
  max_daily_loss: '1000',
  max_open_orders: 10,
  max_gross_exposure: '20000',
  trading_hours: 'any',
  expires_at: null,
  approval: 'never',
});
