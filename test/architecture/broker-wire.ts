// What no broker's folder may hold: a way out for money, a second sending, a library that everybody would load.

import { breach, matches, type Rule } from './rule.ts';
import { importsOf, lineAt, type Source } from './sources.ts';

const inBrokers = ({ path }: Source): boolean => path.startsWith('server/brokers/');

const AWAY = String.raw`(?:withdraw|transfer|payout|redeem|loan|borrow|repay)`;
/** A call by such a name; `canWithdraw(…)` only asks what a key may do. */
const CALLED = new RegExp(String.raw`\b(?!can|may|is)(?=\w*${AWAY})[a-zA-Z_]\w*\s*(?:\?\.)?\(`, 'gi');
/** The same, and the parts of a path, in what is left of literals. */
const BY_KEY = new RegExp(String.raw`\[\s*(['"\`])\w*${AWAY}\w*\1\s*\]\s*(?:\?\.)?\(`, 'gi');
const IN_PATH =
  /['"`](?:\$\{[^}\n]*\}|https?:\/)?\/(?:[^'"`\n]*\/)?[\w-]*(?:withdraw|transfer|wallets?\b|payout|ach_relationship|journals?\b)[\w-]*/gi;

export const BROKER_WIRE_RULES: readonly Rule[] = [
  {
    name: 'no way out for money',
    why: 'what can move money away can be made to: no agent, no bug and no stolen session may find such a path here',
    remedy:
      'leave it out; what a key may do is asked under a name that begins with can, and refused at connect',
    find: (source) =>
      inBrokers(source)
        ? [
            ...matches(source, CALLED),
            ...[BY_KEY, IN_PATH].flatMap((pattern) =>
              [...source.uncommented.matchAll(pattern)].map((match) =>
                breach(source, lineAt(source.text, match.index), match[0]),
              ),
            ),
          ]
        : [],
    planted: [
      { 'server/brokers/ccxt/x.ts': "await exchange.withdraw('BTC', amount, address);" },
      { 'server/brokers/ccxt/x.ts': "await exchange.transfer?.('USDT', '1', 'spot', 'swap');" },
      { 'server/brokers/ccxt/x.ts': 'await exchange.sapiPostCapitalWithdrawApply({ coin });' },
      { 'server/brokers/ccxt/x.ts': "await exchange['privatePostWithdraw']({});" },
      { 'server/brokers/alpaca/x.ts': "caller.call({ method: 'POST', path: '/v2/wallets/transfers' });" },
      { 'server/brokers/alpaca/x.ts': "const path = '/v2/wallets';" },
      { 'server/brokers/alpaca/x.ts': 'const path = `${base}/v1/accounts/${id}/transfers`;' },
      { 'server/brokers/x.ts': 'function requestPayout(amount: Money) {}' },
    ],
    allowed: [
      { 'server/brokers/ccxt/x.ts': "if (canWithdraw(answer)) return 'can-withdraw';" },
      {
        'server/brokers/ccxt/x.ts':
          "const AWAY = /withdraw|transfer/i; const key = answer['enableWithdrawals'];",
      },
      { 'server/brokers/alpaca/x.ts': "// Nothing asks /v2/wallets.\nconst why = 'The key may withdraw.';" },
    ],
  },
  {
    name: 'an adapter sends once',
    why: 'an order whose outcome is unclear may be working; sending it again doubles the position',
    remedy: 'tell `unknown`; what only reads may be asked again by who asked',
    find: (source) =>
      inBrokers(source)
        ? [
            ...importsOf(source)
              .filter(({ specifier }) => /retry|backoff|cockatiel|opossum|undici/i.test(specifier))
              .map(({ line, specifier }) => breach(source, line, `'${specifier}'`)),
            ...matches(source, /\b(?!retryAfter)\w*(?:[rR]etry|[rR]esend|withBackoff)\w*\s*[(<]/g),
            ...matches(source, /\b(?:maxRetries\w*|retries|retryCount)\s*[:=]\s*(?=[^\s0f])/g),
          ]
        : [],
    planted: [
      { 'server/brokers/alpaca/x.ts': "import pRetry from 'p-retry';" },
      { 'server/brokers/alpaca/x.ts': 'return await retryOnce(() => caller.call(order));' },
      { 'server/brokers/ccxt/x.ts': 'const options = { maxRetriesOnFailure: 3 };' },
    ],
    allowed: [
      { 'server/brokers/x.ts': 'const waitMs = retryAfterMs(header);' },
      { 'server/brokers/ccxt/x.ts': 'const options = { maxRetriesOnFailure: 0 };' },
    ],
  },
  {
    name: 'streams and the library of exchanges stay where they are loaded',
    why: 'importing ccxt costs half a second and eighty megabytes of everybody; a socket of its own has no deadline and no watch',
    remedy:
      'streams go through brokers/live-socket.ts; brokers/ccxt/ loads its library when an account needs it',
    find: (source) =>
      source.path.startsWith('server/')
        ? importsOf(source).flatMap(({ specifier, typesOnly, line }) => {
            const isCcxt =
              /^ccxt(?:\/|$)/.test(specifier) &&
              !(typesOnly && source.path.startsWith('server/brokers/ccxt/'));
            const isWs = specifier === 'ws' && source.path !== 'server/brokers/live-socket.ts';
            return isCcxt || isWs ? [breach(source, line, `'${specifier}'`)] : [];
          })
        : [],
    planted: [
      { 'server/brokers/ccxt/x.ts': "import ccxt from 'ccxt';" },
      { 'server/compose.ts': "import type { Exchange } from 'ccxt';" },
      { 'server/market/x.ts': "import { WebSocket } from 'ws';" },
      { 'server/brokers/alpaca/x.ts': "import { WebSocket } from 'ws';" },
    ],
    allowed: [
      { 'server/brokers/live-socket.ts': "import { WebSocket } from 'ws';" },
      { 'server/brokers/ccxt/x.ts': "import type { Exchange } from 'ccxt';" },
    ],
  },
];
