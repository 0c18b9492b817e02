// Nothing but server/trading/dispatch.ts reaches a broker's place or replace: not by a call, an alias, a key, or an adapter passed on.

import { breach, isServer, matches, type Rule, roomOf } from './rule.ts';
import { importsOf, lineAt, type Source } from './sources.ts';

const DISPATCH = 'server/trading/dispatch.ts';
const isOutside = (source: Source): boolean =>
  isServer(source) &&
  source.path !== DISPATCH &&
  source.path !== 'server/ports.ts' &&
  roomOf(source.path) !== 'brokers';
/** Rooms that never see an adapter have places of their own: in a file, in the network. */
const NEVER_SEES_ONE: ReadonlySet<string> = new Set(['domain', 'store', 'audit', 'access', 'market', 'http']);

/** However an adapter is called, by the words that stand for one here. */
const ADAPTER = String.raw`\b(?:\w*[aA]dapter|broker|venue)(?:\(\))?`;

/** Ways to a method that lead past the words `.place(` and `adapter.replace(`. */
const AROUND: readonly RegExp[] = [
  // A call, or a reference to be called, bound or applied later.
  /\.\s*place\b/g,
  new RegExp(String.raw`${ADAPTER}\s*\??\.\s*replace\b`, 'g'),
  /\.\s*replace\b(?!\s*\()/g,
  // A key that is computed, of something that is an adapter.
  new RegExp(String.raw`${ADAPTER}\s*(?:\?\.)?\s*\[`, 'g'),
  /\badapters\s*\.\s*get\([^()]*\)\s*(?:\?\.)?\s*\[/g,
  // The adapter as a bag of members: copied, listed, reflected on, wrapped.
  new RegExp(String.raw`\.\.\.\s*${ADAPTER}\b(?!\s*\.)`, 'g'),
  new RegExp(
    String.raw`\b(?:Object\.(?:assign|values|entries|keys|create|getOwn\w+)|Reflect\.\w+|new\s+Proxy)\s*\([^()]*${ADAPTER}\b`,
    'g',
  ),
  /\b(?:Object\.(?:assign|values|entries)|Reflect\.\w+|new\s+Proxy)\s*\([^()]*\badapters\b/g,
  /\bBrokerAdapter\s*\[/g,
];
/** The same, by words that mean something else where there is no adapter. */
const TAKEN_OUT: readonly RegExp[] = [
  // Taken out of an adapter by name: in a declaration, a parameter or an assignment.
  /\{[^{}()]*\b(?:place|replace)\b(?!\s*[(.])[^{}()]*\}\s*(?:=(?![=>])|:\s*\w*(?:Adapter|Line|Outside)|\)\s*=>)/g,
  // A type of our own that an adapter would fit: what takes it could be handed one.
  /^\s*(?:readonly\s+)?(?:place|replace)\??\s*(?:<[^>]*>)?(?:\(|:\s*(?:\(|BrokerAdapter))/gm,
];
/** In what is left of literals: their insides count here. */
const BY_KEY = /\[\s*(['"`])(?:re)?place\1\s*\]|\bReflect\.\w+\([^)]*(['"`])(?:re)?place\2/g;

/** `text.replace(what, by)` has two arguments; an adapter's has one. */
function replacesWithOne({ code }: Source): readonly number[] {
  return [...code.matchAll(/\.\s*replace\s*\(/g)].flatMap((match) => {
    const from = match.index + match[0].length;
    let depth = 1;
    let commas = 0;
    let at = from;
    for (; at < code.length && depth > 0; at++) {
      const char = code.charAt(at);
      if ('([{'.includes(char)) depth += 1;
      else if (')]}'.includes(char)) depth -= 1;
      else if (char === ',' && depth === 1 && /\S/.test(code.slice(at + 1).replace(/^[\s\n]*\)/, '')))
        commas += 1;
    }
    return commas === 0 ? [match.index] : [];
  });
}

/** Files by what they may name; whoever is not among them can not be handed one. */
const MAY_NAME: { readonly [name: string]: readonly RegExp[] } = {
  BrokerAdapter: [
    /^server\/(?:ports|compose)\.ts$/,
    /^server\/brokers\//,
    /^server\/cli\/account-(?:connections|markets|trial)\.ts$/,
    /^server\/trading\/(?:line|outside|funds|dispatch|reconcile(?:-[\w-]+)?)\.ts$/,
  ],
  ClearedOrder: [
    /^server\/(?:ports|domain\/order)\.ts$/,
    /^server\/brokers\//,
    /^server\/trading\/(?:risk|submit|modify|approval-decide|dispatch)\.ts$/,
  ],
};
/** Who hands orders to the last step: each of them assesses first, in the transaction that writes. */
const CALLS_DISPATCH = /^server\/trading\/(?:submit|modify|close|approval-decide|dispatch)\.ts$/;

const named = (source: Source, name: string): ReturnType<typeof matches> =>
  (MAY_NAME[name] ?? []).some((path) => path.test(source.path))
    ? []
    : matches(source, new RegExp(String.raw`\b${name}\b`, 'g'));

export const BROKER_RULES: readonly Rule[] = [
  {
    name: 'one way to a broker',
    why: 'an order that reaches a broker around dispatch.ts was neither assessed, reserved nor recorded',
    remedy: 'call submitOrder (or the desk); only server/trading/dispatch.ts places and replaces',
    find: (source) =>
      isOutside(source)
        ? [
            ...AROUND.flatMap((pattern) => matches(source, pattern)),
            ...(NEVER_SEES_ONE.has(roomOf(source.path))
              ? []
              : TAKEN_OUT.flatMap((pattern) => matches(source, pattern))),
            ...[...source.uncommented.matchAll(BY_KEY)].map((match) =>
              breach(source, lineAt(source.text, match.index), match[0]),
            ),
            ...replacesWithOne(source).map((at) =>
              breach(source, lineAt(source.text, at), 'a replace with one argument'),
            ),
          ]
        : [],
    planted: [
      { 'server/trading/close.ts': 'await adapter.place(cleared);' },
      { 'server/trading/close.ts': 'await adapter?.place(cleared);' },
      { 'server/trading/close.ts': 'await adapter\n  .place(cleared);' },
      { 'server/tools/place-order.ts': 'const send = broker.replace;' },
      { 'server/console/orders.ts': 'line.account.place(order);' },
      { 'server/trading/x.ts': 'const a = adapter; await a.replace(cleared);' },
      { 'server/trading/x.ts': 'const send = a.replace.bind(a);' },
      { 'server/trading/x.ts': 'a.place.call(a, cleared);' },
      { 'server/trading/x.ts': 'const { place } = adapter;' },
      { 'server/trading/x.ts': 'const { account, replace: send } = outside.adapter;' },
      { 'server/trading/x.ts': 'function send({ place }: BrokerAdapter) {}' },
      { 'server/trading/x.ts': 'all.map(({ place }) => place(cleared));' },
      { 'server/trading/x.ts': "await adapter['place'](cleared);" },
      { 'server/trading/x.ts': "await one['replace'](cleared);" },
      { 'server/trading/x.ts': 'await one[`place`](cleared);' },
      { 'server/trading/x.ts': 'await line.adapters.get(account)?.[how](cleared);' },
      { 'server/trading/x.ts': "const how = 'pl' + 'ace'; await adapter[how](cleared);" },
      { 'server/trading/x.ts': "Reflect.get(one, 'place')(cleared);" },
      { 'server/trading/x.ts': 'const mine = { ...adapter, account };' },
      { 'server/trading/x.ts': 'for (const call of Object.values(adapter)) call(cleared);' },
      { 'server/trading/x.ts': 'const mine = new Proxy(adapter, {});' },
      { 'server/trading/x.ts': 'interface Sender {\n  place(order: unknown): unknown;\n}' },
      { 'server/trading/x.ts': 'interface Sender {\n  readonly replace: (order: unknown) => unknown;\n}' },
      { 'server/trading/x.ts': "type Send = BrokerAdapter['cancel'];" },
    ],
    allowed: [
      { 'server/trading/dispatch.ts': 'await adapter.place(cleared);' },
      { 'server/tools/x.ts': "const a = text.replace('a', 'b');" },
      { 'server/tools/x.ts': 'const a = text.replace(/a(,)/, (found) => found);' },
      { 'server/tools/x.ts': "const a = text.replaceAll('a', 'b');" },
      { 'server/brokers/alpaca/x.ts': 'await this.place(order);' },
      { 'server/http/x.ts': 'const { place, local } = admitted.value;' },
      { 'server/trading/x.ts': 'const { account } = adapter; await desk.placeOrder(order);' },
      { 'server/trading/x.ts': 'adapter.onEvents((events) => {});' },
    ],
  },
  {
    name: 'who may hold an adapter or a cleared order',
    why: 'a function that can be handed both can send; the fewer there are, the less there is to look through',
    remedy:
      'ask for what you need of it (a balance, a currency) where the adapter is; a new holder is added to MAY_NAME with a reason',
    find: (source) => (isServer(source) ? Object.keys(MAY_NAME).flatMap((name) => named(source, name)) : []),
    planted: [
      { 'server/trading/views.ts': "import type { BrokerAdapter } from '#ports.ts';" },
      { 'server/tools/x.ts': "import type { ClearedOrder as Sendable } from '#domain/order.ts';" },
      { 'server/trading/x.ts': "type Adapter = import('#ports.ts').BrokerAdapter;" },
    ],
    allowed: [
      { 'server/trading/reconcile-orders.ts': "import type { BrokerAdapter } from '#ports.ts';" },
      { 'server/brokers/x/index.ts': "import type { ClearedOrder } from '#domain/order.ts';" },
      { 'server/trading/x.ts': '// A BrokerAdapter takes nothing but a ClearedOrder.' },
    ],
  },
  {
    name: 'who calls the last step',
    why: 'each caller of dispatch assesses and writes first; one that does not sends what nobody decided',
    remedy: 'call submitOrder, modifyOrder or closePosition',
    find: (source) => {
      if (!isServer(source) || CALLS_DISPATCH.test(source.path)) return [];
      const fromDispatch = importsOf(source).filter(({ specifier }) =>
        /(?:^\.|^#trading)\/dispatch\.ts$/.test(specifier),
      );
      const star =
        fromDispatch.length === 0 ? [] : matches(source, /\bimport\s+\*|\bexport\s+\*|\bimport\(/g);
      return [
        ...star,
        ...(roomOf(source.path) === 'trading'
          ? matches(source, /\bdispatch(?:Replace)?\b\s*(?:[(,}]|as\b)/g)
          : []),
      ];
    },
    planted: [
      { 'server/trading/kill-switch.ts': "import { dispatch } from './dispatch.ts';" },
      { 'server/trading/cancel.ts': "import { dispatchReplace as go } from './dispatch.ts';" },
      { 'server/trading/x.ts': "import * as last from './dispatch.ts';" },
      { 'server/trading/x.ts': "export * from './dispatch.ts';" },
    ],
    allowed: [
      { 'server/trading/submit.ts': "import { dispatch } from './dispatch.ts';" },
      { 'server/trading/cancel.ts': "import { dispatchCancel, mustFind } from './dispatch.ts';" },
      { 'server/tools/index.ts': "import { dispatch } from './dispatch.ts';" },
    ],
  },
];
