// Registries are lists that a person can read, so a test reads along: what is defined is listed, and where it is looked for.

import { breach, lineAtMatch, type Rule } from './rule.ts';
import type { Source } from './sources.ts';

interface Registry {
  readonly room: string;
  readonly define: string;
}

const REGISTRIES: readonly Registry[] = [
  { room: 'brokers', define: 'defineBroker' },
  { room: 'tools', define: 'defineTool' },
  { room: 'console', define: 'definePage' },
  { room: 'cli', define: 'defineCommand' },
];

const calls = ({ code }: Source, define: string): RegExpMatchArray[] => [
  ...code.matchAll(
    new RegExp(
      `(?:\\bexport const (\\w+)\\b[^=;]*=\\s*)?(?<!function )\\b${define}\\s*(?:<[^(;]*>)?\\(`,
      'g',
    ),
  ),
];

export const REGISTRY_RULES: readonly Rule[] = [
  {
    name: 'registries are complete',
    why: 'what is defined and not listed is code that looks alive: no door offers it, no permission table shows it',
    remedy: '`export const name = define…({ … })` in the entry, and one line in the index.ts of its room',
    find: (source, all) =>
      REGISTRIES.filter(({ room }) => source.path.startsWith(`server/${room}/`)).flatMap(
        ({ room, define }) => {
          const index = all.find(({ path }) => path === `server/${room}/index.ts`);
          return calls(source, define).flatMap((call) => {
            const name = call[1];
            if (name === undefined)
              return [breach(source, lineAtMatch(source, call), `${define}(…) is not exported by name`)];
            const mentions = index?.code.match(new RegExp(`\\b${name}\\b`, 'g'))?.length ?? 0;
            return mentions >= 2
              ? []
              : [breach(source, lineAtMatch(source, call), `${name} is not in server/${room}/index.ts`)];
          });
        },
      ),
    planted: [
      {
        'server/tools/get-quotes.ts': "export const getQuotes = defineTool({ name: 'get_quotes' });",
        'server/tools/index.ts':
          "import { getBars } from './get-bars.ts';\nexport const TOOLS: readonly Tool[] = [getBars];",
      },
      {
        'server/tools/get-quotes.ts': "export const getQuotes: Tool = defineTool({ name: 'get_quotes' });",
        'server/tools/index.ts':
          "import { getQuotes } from './get-quotes.ts';\nexport const TOOLS: readonly Tool[] = [];",
      },
      { 'server/cli/kill.ts': 'export default defineCommand({});' },
      { 'server/console/orders.ts': 'export const orders = definePage({});' },
      { 'server/brokers/paper/index.ts': 'export const paper = defineBroker<Settings>({});' },
    ],
    allowed: [
      {
        'server/tools/get-quotes.ts': "export const getQuotes = defineTool({ name: 'get_quotes' });",
        'server/tools/index.ts':
          "import { getQuotes } from './get-quotes.ts';\nexport const TOOLS: readonly Tool[] = [getQuotes];",
      },
      {
        'server/tools/define.ts': 'export function defineTool<I>(definition: I): Tool { return definition; }',
      },
      { 'server/tools/fields.ts': 'export const symbol = z.string();' },
    ],
  },
  {
    name: 'an entry has the name of its file',
    why: 'who sees `get_quotes` on a wire or `brokers/paper` in a setting looks for it under that name',
    remedy: 'tools/get-quotes.ts defines get_quotes; brokers/paper/ defines the id paper',
    find: (source) => {
      const tool = /^server\/tools\/([^/]+)\.ts$/.exec(source.path)?.[1];
      const broker = /^server\/brokers\/([^/]+)\//.exec(source.path)?.[1];
      if (tool !== undefined) return misnamed(source, 'defineTool', 'name', tool.replaceAll('-', '_'));
      return broker === undefined ? [] : misnamed(source, 'defineBroker', 'id', broker);
    },
    planted: [
      { 'server/tools/quotes.ts': "export const getQuotes = defineTool({\n  name: 'get_quotes',\n});" },
      { 'server/brokers/simulated/index.ts': "export const paper = defineBroker({ id: 'paper' });" },
    ],
    allowed: [
      { 'server/tools/get-quotes.ts': "export const getQuotes = defineTool({\n  name: 'get_quotes',\n});" },
      { 'server/tools/fields.ts': "const field = { name: 'symbol' };" },
    ],
  },
];

function misnamed(source: Source, define: string, key: string, expected: string) {
  return calls(source, define).flatMap((call) => {
    const name = new RegExp(`\\b${key}:\\s*'([^']*)'`).exec(source.uncommented.slice(call.index))?.[1];
    return name === undefined || name === expected
      ? []
      : [breach(source, lineAtMatch(source, call), `${name} is defined here`)];
  });
}
