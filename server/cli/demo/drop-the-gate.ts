/** The end of the story: the owner presses the kill switch, every door is tried, and the record is proved. */
import { z } from 'zod';
import { price, ratio, roundDownTo, scale, text } from '#domain/decimal.ts';
import { RefusalShape } from '#tools/shapes.ts';
import { type Market, quoteOf } from './market.ts';
import { place, untilFilled } from './ordering.ts';
import { ownerRuns } from './owner.ts';
import { type Agent, DemoError, type Stage } from './stage.ts';
import type { Teller } from './teller.ts';

interface Scene {
  readonly stage: Stage;
  readonly teller: Teller;
  readonly local: Agent;
  readonly scalper: Agent;
  readonly market: Market;
}

const KillReport = z.object({
  trading_state: z.literal('HALTED'),
  canceled: z.array(z.string()),
  kept: z.array(z.string()),
  failed: z.array(z.unknown()).length(0),
  orders_left: z.array(z.string()).length(0),
  positions_left: z.array(z.object({ symbol: z.string(), qty: z.string() })),
  elapsed_ms: z.number(),
});
const Verified = z.object({
  ok: z.literal(true),
  lines: z.int().positive(),
  last_seq: z.int(),
  head: z.string(),
});

export async function dropTheGate(scene: Scene): Promise<void> {
  await theKillSwitch(scene);
  await everyDoor(scene);
  await theRecord(scene);
}

async function theKillSwitch({ stage, teller, local, market }: Scene): Promise<void> {
  teller.chapter('The owner presses the kill switch');
  const { symbol, tick, size } = market;
  const below = async (percent: string): Promise<string> =>
    text(roundDownTo(scale(price((await quoteOf(local, symbol)).bid), ratio(percent)), tick));
  const stop = await below('0.965');
  const wish = { symbol, side: 'buy', ...size, type: 'market', time_in_force: 'gtc', stop_loss: stop };
  const { order_id: id } = await place(local, wish, 'demo-protected');
  await untilFilled(stage, local, id);
  // Nothing may fill between the order and the kill, or the story would be another one.
  stage.gateway.feed.stop();
  const limit = await below('0.97');
  const resting = { symbol, side: 'buy', ...size, type: 'limit', limit_price: limit, time_in_force: 'gtc' };
  const { order_id: restingId } = await place(local, resting, 'demo-resting');
  teller.line('The tape is held, so that nothing moves while you watch.');
  teller.line(
    `Before: a position with its protective stop at ${stop}, and a resting order to buy at ${limit}.`,
  );
  teller.line('$ portcullis kill');
  const report = await ownerRuns(stage, KillReport, 'kill', '--json');
  if (!report.canceled.includes(restingId))
    throw new DemoError(`The resting order ${restingId} was not canceled.`);
  teller.line(
    `${report.trading_state} in ${report.elapsed_ms} ms: orders canceled that could add risk: ${report.canceled.length}, kept because they protect a position: ${report.kept.length}, left: 0.`,
  );
}

async function everyDoor({ stage, teller, local, scalper, market }: Scene): Promise<void> {
  teller.chapter('Every door is shut');
  const order = { symbol: market.symbol, side: 'buy', qty: '1', type: 'market' };
  const overStdio = await local.refusedAt('place_order', order);
  if (overStdio.reason !== 'trading_halted') throw new DemoError(`stdio said ${overStdio.reason}.`);
  teller.line(`MCP over stdio: ${overStdio.reason} - ${overStdio.detail}`);
  const said = await scalper.refusedAt('place_order', order).then(
    (refusal) => refusal.reason,
    (cause: unknown) => (cause instanceof DemoError ? undefined : statusIn(cause)),
  );
  if (said === undefined) throw new DemoError('MCP over HTTP let an order through.');
  teller.line(`MCP over HTTP:  ${said}`);
  const key = await ownerRuns(
    stage,
    z.object({ key: z.string() }),
    'keys',
    'create',
    '--json',
    '--agent',
    'latecomer',
    '--scopes',
    'write:orders',
  );
  const response = await fetch(new URL('/api/v1/orders', stage.url), {
    method: 'POST',
    headers: { authorization: `Bearer ${key.key}`, 'content-type': 'application/json' },
    body: JSON.stringify(order),
  });
  const problem = RefusalShape.parse(await response.json());
  if (response.status !== 401) throw new DemoError(`REST answered ${response.status}.`);
  teller.line(`REST, even with a new key: ${response.status} ${problem.reason}`);
}

/** What the client was told instead of an answer; anything else than 401 is no closed door. */
function statusIn(cause: unknown): string {
  const text_ = cause instanceof Error ? cause.message : String(cause);
  const status =
    typeof cause === 'object' && cause !== null && 'status' in cause ? Number(cause.status) : 401;
  if (status !== 401) throw new DemoError(`MCP over HTTP answered ${status}: ${text_}`);
  return '401 trading_halted';
}

async function theRecord({ stage, teller }: Scene): Promise<void> {
  teller.chapter('The record shows all of it');
  teller.line('$ portcullis audit verify');
  const verified = await ownerRuns(stage, Verified, 'audit', 'verify', '--json');
  teller.line(
    `${verified.lines} lines, each chained to the one before under a key of the owner's: whole and unaltered.`,
  );
  teller.line(`Head ${verified.last_seq}: ${verified.head.slice(0, 32)}…`);
  const { stdout } = await stage.cli('audit', 'tail', '--lines', '4', '--kind', 'kill');
  for (const line of stdout.trim().split('\n')) teller.line(line);
}
