// The kill switch from the command line: through the engine, without one, past one that hangs, and by a file.

import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { copyOfTheClone, endEngine, MANDATE, type Portcullis } from '../support/portcullis.ts';

let clone: Portcullis;
beforeAll(() => {
  clone = copyOfTheClone();
});
afterAll(() => clone.close());

const REPORT = {
  trading_state: 'HALTED',
  halted_at: expect.stringMatching(/^\d{4}-.*Z$/),
  canceled: [],
  kept: [],
  failed: [],
  orders_left: [],
  voided: [],
  positions_left: [],
  elapsed_ms: expect.any(Number),
};

type Rest = (
  method: string,
  path: string,
  body?: object,
) => Promise<{ status: number; body: Record<string, unknown> }>;

interface Trader {
  readonly key: string;
  /** Status and body of a call over REST. */
  readonly rest: Rest;
  /** Preview and commit. */
  readonly place: (order: object) => Promise<string>;
}

async function trader(gate: Portcullis, url: string, rules: object = {}): Promise<Trader> {
  const { key } = (await gate.json([
    'keys',
    'create',
    '--agent',
    'claude',
    '--scopes',
    'read:market,read:account,write:orders',
  ])) as { key: string };
  const file = join(gate.folder, 'mandate.json');
  writeFileSync(file, JSON.stringify({ ...MANDATE, ...rules }));
  await gate.json(['mandates', 'set', 'claude', '--file', file]);
  const rest: Rest = async (method, path, body) => {
    const response = await fetch(`${url}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  return {
    key,
    rest,
    async place(order) {
      const preview = await rest('POST', '/orders', order);
      expect(preview.body).toMatchObject({ dry_run: true });
      const { action_token } = preview.body;
      const commit = {
        ...order,
        dry_run: false,
        action_token,
        idempotency_key: `k${JSON.stringify(order).length}`,
      };
      const placed = await rest('POST', '/orders', commit);
      expect(placed.body).toMatchObject({
        dry_run: false,
        order: { status: expect.stringMatching(/open|filled/) },
      });
      return (placed.body['order'] as { order_id: string }).order_id;
    },
  };
}
const RESTING = {
  symbol: 'SPX',
  side: 'buy',
  qty: '1',
  type: 'limit',
  limit_price: '1400.5',
  time_in_force: 'gtc',
};
const MARKET = { symbol: 'SPX', side: 'buy', qty: '2', type: 'market', time_in_force: 'gtc' };

describe('through the engine', () => {
  it('cancels what could add risk, keeps what protects, shuts every agent out, and stays so over a restart', async () => {
    const gate = clone.fresh();
    // A bar of two minutes: the market stands still enough for the limit to rest.
    const slow = { PAPER_BAR_SECONDS: '120' };
    const serving = await gate.serve(slow);
    const { rest, place } = await trader(gate, serving.url);
    const bought = await place({ ...MARKET, stop_loss: '1420' });
    await expect
      .poll(async () => (await rest('GET', `/orders/${bought}`)).body, { interval: 250 })
      .toMatchObject({
        order: { status: 'filled' },
      });
    const resting = await place(RESTING);
    const killed = await gate.run(['kill', '--json'], slow);
    expect(killed.code).toBe(0);
    const report = JSON.parse(killed.stdout) as { kept: string[] };
    expect(report).toEqual({
      ...REPORT,
      canceled: [resting],
      kept: [expect.stringMatching(/^ord_/)],
      positions_left: [{ account: 'paper', symbol: 'SPX', qty: '2' }],
    });
    expect(killed.stderr).toMatch(/still open; `portcullis kill --flatten` closes them/);
    expect(await rest('GET', '/orders')).toMatchObject({ status: 401, body: { reason: 'trading_halted' } });
    expect(await rest('POST', '/orders', RESTING)).toMatchObject({ status: 401 });
    expect((await gate.run(['agents', 'list'], slow)).stdout).toMatch(/claude +HALTED +kill switch \(cli\)/);

    await serving.stop();
    const again = await gate.serve(slow);
    expect(again.stdout()).toMatch(/The gate is DOWN: `npx portcullis resume` raises it/);
    const later = await fetch(`${again.url}/api/v1/orders`, { headers: { authorization: 'Bearer pcl_x' } });
    expect(later.status).toBe(401);
    expect(await gate.json(['resume'], slow)).toEqual({ trading_state: 'ACTIVE' });
    expect(await gate.run(['resume'], slow)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/not down/),
    });
    expect(await gate.json(['audit', 'verify'], slow)).toMatchObject({ ok: true });
    await again.stop();
  }, 40_000);

  it('flattens when asked to, and takes protective orders too with --cancel all', async () => {
    const gate = clone.fresh();
    const serving = await gate.serve({ PAPER_BAR_SECONDS: '20', PAPER_PRESET: 'friendly' });
    const { rest, place } = await trader(gate, serving.url);
    const bought = await place({ ...MARKET, stop_loss: '1420' });
    await expect
      .poll(async () => (await rest('GET', `/orders/${bought}`)).body, { interval: 250 })
      .toMatchObject({
        order: { status: 'filled' },
      });
    const killed = await gate.run(['kill', '--cancel', 'all', '--flatten', '--json']);
    expect(killed.code).toBe(0);
    expect(JSON.parse(killed.stdout)).toMatchObject({
      failed: [],
      canceled: [expect.any(String)],
      orders_left: [],
    });
    const { positions_left } = JSON.parse(killed.stdout) as { positions_left: unknown[] };
    if (positions_left.length > 0) expect(killed.stderr).toMatch(/orders that close positions_left are sent/);
    // The close works at the market: the next kill finds nothing left.
    await expect
      .poll(async () => JSON.parse((await gate.run(['kill', '--json'])).stdout), {
        interval: 500,
      })
      .toMatchObject({ orders_left: [], positions_left: [] });
    await serving.stop();
  }, 40_000);
});

describe('with no HTTP to reach it by', () => {
  it('drops the gate all the same: the command speaks to the engine over a socket of its own', async () => {
    const gate = clone.fresh();
    const client = new Client({ name: 'host', version: '1' });
    const launch = { command: process.execPath, args: [gate.launcher, 'stdio'], env: gate.env() };
    await client.connect(new StdioClientTransport({ ...launch, stderr: 'ignore' }));
    try {
      const before = await client.callTool({ name: 'get_mandate', arguments: {} });
      expect(before.structuredContent).toMatchObject({ trading_state: 'ACTIVE' });
      const killed = await gate.run(['kill', '--json']);
      expect(killed).toMatchObject({ code: 0 });
      expect(JSON.parse(killed.stdout)).toEqual(REPORT);
      const after = await client.callTool({ name: 'get_mandate', arguments: {} });
      expect(after).toMatchObject({ isError: true, structuredContent: { reason: 'trading_halted' } });
    } finally {
      await client.close();
      endEngine(gate.enginePid());
    }
  }, 30_000);
});

describe('a drill', () => {
  it('cancels on the paper account, reports as a kill does, shuts nobody out, and needs an engine', async () => {
    const gate = clone.fresh();
    const slow = { PAPER_BAR_SECONDS: '120' };
    const alone = await gate.run(['kill', '--drill', '--json'], slow);
    expect(alone).toMatchObject({ code: 1, stdout: '' });
    expect(alone.stderr).toMatch(/No gateway runs/);
    const serving = await gate.serve(slow);
    const { rest, place } = await trader(gate, serving.url);
    const resting = await place(RESTING);
    const drilled = await gate.run(['kill', '--drill', '--json'], slow);
    expect(drilled.code).toBe(0);
    expect(JSON.parse(drilled.stdout)).toEqual({
      drill: true,
      account: 'paper',
      ...REPORT,
      trading_state: 'ACTIVE',
      canceled: [resting],
    });
    expect((await rest('GET', '/orders')).status).toBe(200);
    expect(await rest('GET', '/status')).toMatchObject({ body: { trading_state: 'ACTIVE' } });
    await place({ ...RESTING, limit_price: '1402' });
    const nowhere = await gate.run(['kill', '--drill', '--account', 'nowhere', '--json'], slow);
    expect(nowhere).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/no account nowhere/),
    });
    for (const words of [
      ['--drill', '--flatten'],
      ['--account', 'paper'],
    ])
      expect((await gate.run(['kill', ...words], slow)).code).toBe(2);
    const tail = await gate.run(['audit', 'tail', '--kind', 'kill.drill', '--json'], slow);
    expect(tail.stdout).toMatch(/"door":"cli"/);
    expect(await rest('GET', '/status')).toMatchObject({ body: { trading_state: 'ACTIVE' } });
    await serving.stop();
  }, 40_000);
});

describe('without an engine', () => {
  it('halts the books, so that the next engine starts halted', async () => {
    const gate = clone.fresh();
    const killed = await gate.run(['kill']);
    expect(killed.code).toBe(0);
    expect(JSON.parse(killed.stdout)).toEqual(REPORT);
    expect(killed.stderr).toMatch(/No gateway runs: the next one starts HALTED/);
    const serving = await gate.serve();
    expect(serving.stdout()).toMatch(/The gate is DOWN/);
    expect((await gate.run(['audit', 'tail', '--kind', 'kill', '--json'])).stdout).toMatch(/"by":"cli"/);
    await serving.stop();
    expect(await gate.json(['resume'])).toEqual({ trading_state: 'ACTIVE' });
    expect(await gate.json(['audit', 'verify'])).toMatchObject({ ok: true });
  });

  it('leaves nothing over of what waits for the owner: it is refused, and no resume brings it back', async () => {
    const gate = clone.fresh();
    const slow = { PAPER_BAR_SECONDS: '120' };
    const serving = await gate.serve(slow);
    const { rest } = await trader(gate, serving.url, { approval: 'always' });
    const preview = await rest('POST', '/orders', RESTING);
    const { action_token } = preview.body;
    const asked = await rest('POST', '/orders', {
      ...RESTING,
      dry_run: false,
      action_token,
      idempotency_key: 'k',
    });
    expect(asked.body).toMatchObject({ order: { status: 'pending_approval' } });
    const { order_id } = asked.body['order'] as { order_id: string };
    await serving.stop();
    expect(JSON.parse((await gate.run(['kill', '--cancel', 'all', '--json'], slow)).stdout)).toEqual({
      ...REPORT,
      voided: [expect.stringMatching(/^apr_/)],
    });
    await gate.json(['resume'], slow);
    const again = await gate.serve(slow);
    const late = await gate.run(['approvals', 'approve', order_id, '--json'], slow);
    expect(late).toMatchObject({ code: 1, stdout: '' });
    expect((await gate.run(['audit', 'tail', '--kind', 'approval.void', '--json'], slow)).stdout).toMatch(
      order_id,
    );
    await again.stop();
  }, 40_000);

  it('goes through with settings that are wrong, a tape that is broken and books that do not open', async () => {
    const gate = clone.fresh();
    await gate.json(['agents', 'list']);
    const wrong = await gate.run(['kill', '--json'], {
      PORT: 'x',
      PAPER_TAPE: '/nowhere.csv',
      PAPER_SYMBOL: 'NOPE',
    });
    expect(wrong.code).toBe(0);
    expect(JSON.parse(wrong.stdout)).toEqual(REPORT);
    expect(wrong.stderr).toMatch(/Ignored for this: PORT must be/);
    await gate.json(['resume']);
    rmSync(join(gate.folder, 'keys', 'audit.key'));
    const keyless = await gate.run(['kill', '--json']);
    expect(keyless.code).toBe(0);
    expect(JSON.parse(keyless.stdout)).toEqual(REPORT);
    expect(keyless.stderr).toMatch(/books could not be opened: .*audit\.key[\s\S]*database says HALTED/);
    expect(existsSync(join(gate.dataFolder, 'KILL'))).toBe(true);
  });
});

describe('past an engine that hangs', () => {
  it('drops the gate in the database and by the file, says so, and the engine obeys when it comes to', async () => {
    const gate = clone.fresh();
    const slow = { PAPER_BAR_SECONDS: '120' };
    const serving = await gate.serve(slow);
    const { rest, place } = await trader(gate, serving.url);
    const resting = await place(RESTING);
    serving.signal('SIGSTOP');
    try {
      const killed = await gate.run(['kill', '--cancel', 'all', '--json'], slow);
      expect(killed.code).toBe(0);
      expect(JSON.parse(killed.stdout)).toEqual({ ...REPORT, orders_left: [resting] });
      expect(killed.stderr).toMatch(
        /does not answer[\s\S]*KILL tells it to halt[\s\S]*database says HALTED[\s\S]*stay until it answers/,
      );
      expect(JSON.parse(readFileSync(join(gate.dataFolder, 'KILL'), 'utf8'))).toEqual({
        cancel: 'all',
        flatten: false,
      });
      expect(await gate.run(['agents', 'list'], slow)).toMatchObject({ code: 1, stdout: '' });
    } finally {
      serving.signal('SIGCONT');
    }
    expect(await rest('GET', '/orders')).toMatchObject({ status: 401 });
    await expect
      .poll(async () => (await gate.run(['audit', 'tail', '--kind', 'kill.report', '--json'], slow)).stdout, {
        interval: 250,
      })
      .toMatch(/"canceled":1/);
    expect((await gate.run(['audit', 'tail', '--kind', 'kill', '--json'], slow)).stdout).toMatch(
      /"by":"file"/,
    );
    expect(await gate.json(['resume'], slow)).toEqual({ trading_state: 'ACTIVE' });
    expect(existsSync(join(gate.dataFolder, 'KILL'))).toBe(false);
    expect(await rest('GET', '/orders?status=open')).toMatchObject({ status: 200, body: { orders: [] } });
    expect(await gate.json(['audit', 'verify'], slow)).toMatchObject({ ok: true });
    await serving.stop();
  }, 40_000);
});

describe('the file data/KILL', () => {
  it('drops the gate of a running engine, and of one that starts beside it', async () => {
    const gate = clone.fresh();
    const serving = await gate.serve();
    const { rest } = await trader(gate, serving.url);
    expect((await rest('GET', '/orders')).status).toBe(200);
    writeFileSync(join(gate.dataFolder, 'KILL'), '');
    await expect.poll(async () => (await rest('GET', '/orders')).status, { interval: 100 }).toBe(401);
    await serving.stop();
    const again = await gate.serve();
    expect(again.stdout()).toMatch(/The gate is DOWN/);
    expect(await gate.json(['resume'])).toEqual({ trading_state: 'ACTIVE' });
    expect(existsSync(join(gate.dataFolder, 'KILL'))).toBe(false);
    writeFileSync(join(gate.dataFolder, 'KILL'), 'now');
    await expect
      .poll(async () => (await gate.run(['agents', 'list'])).stdout, { interval: 250 })
      .toMatch(/HALTED +kill switch \(file\)/);
    await again.stop();
  }, 30_000);
});
