// Who may know whom: the rooms of server/, their directions, and what each may fetch from outside.

import { breach, isServer, type Rule, roomOf } from './rule.ts';
import { type Import, importsOf, type Source } from './sources.ts';

/** A room -> the rooms it may import beside itself, domain, limits and the types of ports. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  domain: [],
  store: [],
  audit: ['store', 'thread'],
  access: ['store', 'audit'],
  market: ['store', 'thread'],
  brokers: ['market', 'store'],
  trading: ['market', 'access', 'audit', 'store'],
  tools: ['market', 'trading', 'access', 'audit'],
  oauth: ['access', 'audit', 'store'],
  notify: ['audit', 'store'],
  console: ['tools', 'oauth', 'trading', 'market', 'access', 'audit', 'notify'],
  http: ['tools', 'oauth', 'console', 'trading', 'access', 'audit'],
  limits: [],
  ports: [],
  clock: [],
  thread: [],
};
/** They put the house together, so they know everyone; nobody else knows them. */
const COMPOSITION = ['main', 'compose', 'config', 'cli'];
const EVERYONES = ['domain', 'limits', 'ports'];

/** What only some rooms may know: a rule, in the end, about what a change of that package can touch. */
const PACKAGES: readonly { readonly name: RegExp; readonly rooms: readonly string[] }[] = [
  { name: /^big\.js$/, rooms: ['domain'] },
  { name: /^better-sqlite3$/, rooms: ['store'] },
  { name: /^(?:fastify$|@fastify\/)/, rooms: ['http', 'oauth', 'console'] },
  { name: /^@modelcontextprotocol\//, rooms: ['http'] },
  { name: /^oidc-provider/, rooms: ['oauth'] },
  { name: /^(?:ccxt|ws)(?:\/|$)/, rooms: ['brokers'] },
  { name: /^nodemailer(?:\/|$)/, rooms: ['notify'] },
  { name: /^nunjucks$/, rooms: ['http', 'console'] },
  { name: /^(?:otplib|qrcode)(?:\/|$)/, rooms: ['access'] },
];

const imported = (source: Source, judge: (one: Import) => string | undefined) =>
  importsOf(source).flatMap((one) => {
    const objection = judge(one);
    return objection === undefined ? [] : [breach(source, one.line, `'${one.specifier}' ${objection}`)];
  });

/** The room an import leads to, undefined for a package. */
function roomOfImport(specifier: string, from: string): string | undefined {
  if (specifier.startsWith('#')) return /^#([^/.]+)/.exec(specifier)?.[1];
  if (specifier.startsWith('.')) return roomOf(new URL(specifier, `file:///${from}`).pathname.slice(1));
  return undefined;
}

const inServer =
  (find: Rule['find']): Rule['find'] =>
  (source, all) =>
    isServer(source) ? find(source, all) : [];

export const ROOM_RULES: readonly Rule[] = [
  {
    name: 'rooms keep their directions',
    why: 'a room can be read, tested and changed alone only while the arrows between rooms point one way',
    remedy:
      'hand the thing in from compose.ts, move the idea to the room that owns it, or, for a new direction or room, change the table in test/architecture/rooms.ts together with ARCHITECTURE.md',
    find: inServer((source) => {
      const room = roomOf(source.path);
      if (COMPOSITION.includes(room)) return [];
      const allowed = MAY_IMPORT[room];
      if (allowed === undefined)
        return [breach(source, 1, `the room '${room}' is not in the table of rooms`)];
      return imported(source, ({ specifier }) => {
        const target = roomOfImport(specifier, source.path);
        if (target === undefined || target === room || [...EVERYONES, ...allowed].includes(target))
          return undefined;
        return `is not for ${room} to know`;
      });
    }),
    planted: [
      { 'server/trading/x.ts': "import { app } from '#http/app.ts';" },
      { 'server/store/x.ts': "import type { Event } from '#audit/event.ts';" },
      { 'server/tools/x.ts': "export { open } from '#store/open.ts';" },
      { 'server/audit/x.ts': "const late = await import('#trading/submit.ts');" },
      { 'server/access/x.ts': "import { config } from '#config.ts';" },
      { 'server/access/x.ts': "import { wallClock } from '#clock.ts';" },
      { 'server/gossip/x.ts': 'export {};' },
    ],
    allowed: [
      { 'server/trading/x.ts': "import { open } from '#store/open.ts';\nimport { y } from './y.ts';" },
      {
        'server/store/x.ts':
          "// import { app } from '#http/app.ts';\nconst text = `\nimport { a } from '#http/a.ts';`;",
      },
      { 'server/compose.ts': "import { app } from '#http/app.ts';" },
      { 'server/cli/serve.ts': "import { config } from '#config.ts';" },
    ],
  },
  {
    name: 'paths say where they lead',
    why: '`../../x` hides which room is entered, and two spellings of one file make searching for its users guesswork',
    remedy: "inside a room './x.ts', into another '#room/x.ts', always with the suffix .ts",
    find: inServer((source) =>
      imported(source, ({ specifier }) => {
        if (specifier.startsWith('../')) return "climbs out with '../'";
        if (!/^[.#]/.test(specifier)) return undefined;
        if (!/\.(?:ts|json)$/.test(specifier)) return 'has no suffix .ts';
        const own = roomOf(source.path);
        const target = roomOfImport(specifier, source.path);
        if (specifier.startsWith('.') && target !== own && specifier.slice(2).includes('/')) {
          return `enters ${target} by a relative path`;
        }
        const sameFolder = source.path.slice('server/'.length).replace(/[^/]+$/, '');
        if (sameFolder !== '' && specifier.startsWith(`#${sameFolder}`)) return 'is next door: ./';
        return undefined;
      }),
    ),
    planted: [
      { 'server/trading/x.ts': "import { a } from '../store/open.ts';" },
      { 'server/trading/x.ts': "import { a } from './y.js';" },
      { 'server/trading/x.ts': "import { a } from '#trading/y.ts';" },
      { 'server/compose.ts': "import { a } from './http/app.ts';" },
    ],
    allowed: [
      { 'server/brokers/paper/x.ts': "import { a } from '#brokers/broker.ts';\nimport { b } from './y.ts';" },
      { 'server/brokers/index.ts': "import { paper } from './paper/index.ts';" },
      { 'server/compose.ts': "import { a } from '#http/app.ts';\nimport { b } from './config.ts';" },
      { 'test/trading/x.test.ts': "import { a } from '../support/a.ts';" },
    ],
  },
  {
    name: 'ports are types',
    why: 'what everyone may import must do nothing, or everyone depends on what it does',
    remedy:
      "import type { … } from '#ports.ts' (a list in UPPER_CASE, which a type is made from, may come along)",
    find: inServer((source) =>
      COMPOSITION.includes(roomOf(source.path))
        ? []
        : imported(source, ({ specifier, typesOnly }) =>
            specifier === '#ports.ts' && !typesOnly ? 'is imported as a value' : undefined,
          ),
    ),
    planted: [{ 'server/trading/x.ts': "import { type Quote, makeQuote } from '#ports.ts';" }],
    allowed: [{ 'server/trading/x.ts': "import { TIMEFRAMES, type Quote } from '#ports.ts';" }],
  },
  {
    name: 'brokers do not know each other',
    why: 'adding, changing or deleting a broker touches one folder and one line, and only while that is so',
    remedy:
      'lift what both need to brokers/ itself or to market/; only the paper broker keeps books in the store',
    find: inServer((source) => {
      const own = /^server\/brokers\/([^/]+)\//.exec(source.path)?.[1];
      if (own === undefined) return [];
      return imported(source, ({ specifier }) => {
        const other = /^#brokers\/([^/]+)\//.exec(specifier)?.[1];
        if (other !== undefined && other !== own) return `is another broker's`;
        if (specifier === '#brokers/index.ts') return 'is the list of all brokers';
        if (specifier.startsWith('#store/') && own !== 'paper') return 'is for the paper broker only';
        return undefined;
      });
    }),
    planted: [
      { 'server/brokers/alpaca/x.ts': "import { a } from '#brokers/paper/fees.ts';" },
      { 'server/brokers/alpaca/x.ts': "import { a } from '#store/open.ts';" },
      { 'server/brokers/alpaca/x.ts': "import { BROKERS } from '#brokers/index.ts';" },
    ],
    allowed: [
      {
        'server/brokers/paper/x.ts':
          "import { a } from '#store/open.ts';\nimport { b } from '#brokers/broker.ts';",
      },
    ],
  },
  {
    name: 'packages stay in their rooms',
    why: 'the order line must not be able to tell which door or database it runs under, and domain is values and rules only',
    remedy:
      'pass plain data, or do the work in the room that owns the package (domain: zod and big.js, nothing of Node)',
    find: inServer((source) => {
      const room = roomOf(source.path);
      if (COMPOSITION.includes(room)) return [];
      return imported(source, ({ specifier }) => {
        if (/^[.#]/.test(specifier)) return undefined;
        if (room === 'domain' && !['zod', 'big.js'].includes(specifier)) return 'is not zod or big.js';
        const owner = PACKAGES.find(({ name }) => name.test(specifier));
        return owner === undefined || owner.rooms.includes(room)
          ? undefined
          : `belongs to ${owner.rooms.join(', ')}`;
      });
    }),
    planted: [
      { 'server/domain/x.ts': "import { createHash } from 'node:crypto';" },
      { 'server/trading/x.ts': "import type { FastifyRequest } from 'fastify';" },
      { 'server/trading/x.ts': "import Database from 'better-sqlite3';" },
      { 'server/tools/x.ts': "import { McpServer } from '@modelcontextprotocol/server';" },
    ],
    allowed: [
      { 'server/domain/x.ts': "import { z } from 'zod';\nimport Big from 'big.js';" },
      { 'server/http/x.ts': "import type { FastifyRequest } from 'fastify';" },
      { 'server/cli/stdio.ts': "import { Client } from '@modelcontextprotocol/client';" },
    ],
  },
];
