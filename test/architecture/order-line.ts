// What keeps the order line one line: who may send, who may mint, who may write, and in which numbers.

import { breach, isServer, matches, type Rule, roomOf } from './rule.ts';
import { importsOf, lineAt, type Source } from './sources.ts';

const inRooms = (source: Source, ...rooms: readonly string[]): boolean =>
  isServer(source) && rooms.includes(roomOf(source.path));

/** The files that decide and nothing else. */
const isPure = ({ path }: Source): boolean =>
  /^server\/(?:domain\/|trading\/(?:risk(?:-[\w-]+)?|valuation)\.ts$)/.test(path);

const MONEY =
  /\b\w*(?:price|qty|quantity|cash|fees?|amount|notional|equity|balance|pnl|profit|commission|exposure|margin|buyingPower|bid|ask)\??\s*:\s*(?:readonly\s+)?number\b/gi;

export const ORDER_LINE_RULES: readonly Rule[] = [
  {
    name: 'one minter of cleared orders',
    why: 'a ClearedOrder is the proof that the risk controls ran; a cast forges it',
    remedy: 'get it from the assessment in server/trading/risk.ts',
    find: (source) =>
      isServer(source) && source.path !== 'server/trading/risk.ts'
        ? matches(source, /\bas\s+(?:\w+\s+as\s+)?ClearedOrder\b/g)
        : [],
    planted: [
      { 'server/trading/close.ts': 'const order = { ...terms } as ClearedOrder;' },
      { 'server/brokers/paper/x.ts': 'place(terms as unknown as ClearedOrder);' },
    ],
    allowed: [{ 'server/trading/risk.ts': 'return terms as ClearedOrder;' }],
  },
  {
    name: 'one writer of order state',
    why: 'a state written past transition() has no audit event and no release of its reservation',
    remedy: 'call transition(); the statements themselves stand in server/trading/orders.ts',
    find: (source) => {
      if (!isServer(source) || source.path === 'server/trading/orders.ts') return [];
      const statements = [
        ...source.uncommented.matchAll(
          /\b(?:update|insert\s+into|replace\s+into|delete\s+from)\s+orders\b/gi,
        ),
      ];
      return [
        ...statements.map((match) => breach(source, lineAt(source.text, match.index), match[0])),
        ...(source.path === 'server/trading/transition.ts'
          ? []
          : matches(source, /\borders\.(?:insert|update)\s*\(/g)),
      ];
    },
    planted: [
      { 'server/trading/kill-switch.ts': "db.prepare(`\n  UPDATE orders SET status = 'canceled'`);" },
      { 'server/trading/cancel.ts': 'line.orders.update(next);' },
    ],
    allowed: [
      { 'server/trading/orders.ts': "db.prepare('UPDATE orders SET status = @status');" },
      { 'server/trading/transition.ts': 'line.orders.update(next);' },
      { 'server/trading/cancel.ts': '// UPDATE orders happens elsewhere' },
    ],
  },
  {
    name: 'nothing is sent twice',
    why: 'an order whose outcome is unclear may be working; sending it again doubles the position',
    remedy: 'let it become `unknown` and ask the broker in server/trading/reconcile.ts',
    find: (source) => {
      if (!inRooms(source, 'trading')) return [];
      const libraries = importsOf(source).filter(({ specifier }) =>
        /retry|backoff|cockatiel|opossum|undici/i.test(specifier),
      );
      return [
        ...libraries.map(({ line, specifier }) => breach(source, line, `'${specifier}'`)),
        ...matches(source, /\b\w*(?:[rR]etry|[rR]esend|withBackoff)\w*\s*[(<]/g),
      ];
    },
    planted: [
      { 'server/trading/dispatch.ts': "import pRetry from 'p-retry';" },
      { 'server/trading/dispatch.ts': 'const outcome = await retryTwice(() => adapter.place(cleared));' },
    ],
    allowed: [
      { 'server/trading/submit.ts': "const refusal = { retry_safe: true };\n// No retry('x') here." },
    ],
  },
  {
    name: 'transactions are synchronous',
    why: 'at an await other work runs between the read and the write, and two orders pass on one budget',
    remedy: 'gather before, then read, decide and write without an await, then dispatch',
    find: (source) =>
      isServer(source) ? matches(source, /\btransaction\w*\s*(?:<[^(]*>)?\(\s*async\b/g) : [],
    planted: [{ 'server/trading/submit.ts': 'store.transaction(async () => {});' }],
    allowed: [{ 'server/trading/submit.ts': 'async function f() { store.transaction(() => {}); }' }],
  },
  {
    name: 'decisions are pure',
    why: 'what decides must give the same answer for the same facts, or no test and no audit can repeat it',
    remedy: 'gather it in facts.ts and pass it in; write what follows from it in submit.ts',
    find: (source) => {
      if (!isPure(source)) return [];
      const outside = importsOf(source).filter(
        ({ specifier, typesOnly }) =>
          specifier.startsWith('node:') ||
          (!typesOnly && /^#(?:store|audit|access|market)\//.test(specifier)),
      );
      return [
        ...outside.map(({ line, specifier }) => breach(source, line, `'${specifier}'`)),
        ...matches(source, /\basync\b|\bawait\b|\.prepare\s*\(|\brandom(?:Bytes|UUID|Int)\b/g),
      ];
    },
    planted: [
      { 'server/trading/risk.ts': 'export async function assess() {}' },
      { 'server/trading/risk-mandate.ts': "import { usage } from '#access/usage.ts';" },
      { 'server/domain/order.ts': "const id = crypto.randomUUID('');" },
    ],
    allowed: [
      {
        'server/trading/risk.ts':
          "import type { Mandate } from '#access/mandates.ts';\nexport function assess() {}",
      },
      { 'server/trading/facts.ts': 'export async function gatherOutside() {}' },
    ],
  },
  {
    name: 'money is never a number',
    why: '0.1 + 0.2 is not 0.3 in a JavaScript number, and a limit compared with one can be passed by a cent',
    remedy: 'Price, Quantity, Money or Ratio of #domain/decimal.ts; on wires and in tables a decimal string',
    find: (source) =>
      isServer(source) && !inRooms(source, 'main', 'config', 'limits')
        ? [
            ...matches(source, MONEY),
            ...(inRooms(source, 'domain', 'trading', 'brokers', 'market', 'tools')
              ? matches(source, /\bparseFloat\s*\(|\.toNumber\s*\(|\.toPrecision\s*\(/g)
              : []),
          ]
        : [],
    planted: [
      { 'server/domain/order.ts': 'interface Order { readonly price: number }' },
      { 'server/trading/submit.ts': 'function reserve(limitPrice: number, filled_qty?: number) {}' },
      { 'server/brokers/paper/x.ts': 'let cash: number;' },
      { 'server/trading/usage.ts': 'const used = parseFloat(row.used);' },
    ],
    allowed: [
      {
        'server/domain/order.ts':
          'interface Order { readonly price: Price; readonly askedMs: number; openOrders: number }',
      },
      { 'server/tools/x.ts': "const text = 'price: number';" },
    ],
  },
];
