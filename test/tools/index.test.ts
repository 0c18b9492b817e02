// The list of tools is complete, and is the table of the public contract.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { TOOLS } from '#tools/index.ts';

const folder = join(import.meta.dirname, '../../server/tools');

/** The table of the design: name, scope, route. */
const CORE = `
  search_instruments   read:market  GET    /instruments
  get_instrument       read:market  GET    /instrument
  get_quotes           read:market  GET    /quotes
  watch_market         read:market  GET    /market-watch
  get_market_depth     read:market  GET    /market-depth
  get_bars             read:market  GET    /bars
  get_market_clock     read:market  GET    /market-clock
  get_gateway_status   read:market  GET    /status
  list_accounts        read:account GET    /accounts
  get_account          read:account GET    /account
  get_positions        read:account GET    /positions
  get_holdings         read:account GET    /holdings
  get_orders           read:account GET    /orders
  get_order            read:account GET    /orders/{order_id}
  get_trades           read:account GET    /trades
  get_pnl_history      read:account GET    /pnl-history
  get_mandate          read:account GET    /mandate
  preview_order        read:account GET    /order-preview
  place_order          write:orders POST   /orders
  modify_order         write:orders PATCH  /orders/{order_id}
  cancel_order         write:orders DELETE /orders/{order_id}
  cancel_all_orders    write:orders POST   /orders/cancel-all
  close_position       write:orders POST   /positions/close
  close_all_positions  write:orders POST   /positions/close-all
  halt_trading         write:orders POST   /halt
  tighten_mandate      write:orders POST   /mandate/tighten`;

describe('the list of tools', () => {
  it('has every file that defines one', () => {
    const files = readdirSync(folder).filter((file) =>
      readFileSync(join(folder, file), 'utf8').includes('= defineTool('),
    );
    expect(TOOLS.map(({ name }) => `${name.replaceAll('_', '-')}.ts`).sort()).toEqual(files.sort());
  });

  it('is the table of the design', () => {
    const rows = TOOLS.map(({ name, scope, rest }) => [name, scope, rest.method, rest.path].join(' '));
    expect(rows).toEqual(
      CORE.trim()
        .split('\n')
        .map((row) => row.trim().replace(/ +/g, ' ')),
    );
  });

  it('has no name and no route twice', () => {
    expect(new Set(TOOLS.map(({ name }) => name)).size).toBe(TOOLS.length);
    expect(new Set(TOOLS.map(({ rest }) => `${rest.method} ${rest.path}`)).size).toBe(TOOLS.length);
  });

  it('changes nothing by a GET, and reads by nothing else', () => {
    for (const { effect, rest } of TOOLS) expect(rest.method === 'GET').toBe(effect === 'read');
  });

  it('takes every path parameter as an argument', () => {
    for (const { rest, inputSchema } of TOOLS) {
      for (const [, field] of rest.path.matchAll(/\{(\w+)\}/g)) {
        expect(inputSchema.required).toContain(field);
      }
    }
  });

  it('shows for each a sentence of a person, and the call it leads to, which needs no repair', () => {
    for (const tool of TOOLS) {
      const { example } = tool;
      expect(example.prompt).toMatch(/^[A-Z].{8,90}[.?]$/);
      const prepared = tool.prepare(example.arguments);
      expect(prepared).toMatchObject({ ok: true, value: { repaired: {} } });
    }
    expect(new Set(TOOLS.map(({ example }) => example.prompt)).size).toBe(TOOLS.length);
  });
});
