// How every file is written: its name, its first sentence, its length, and the parts of the language left alone.

import { breach, isServer, matches, type Rule, roomOf } from './rule.ts';
import type { Source } from './sources.ts';

const LINES_MAX = 320;
/** A table of cases grows by rows, not by ideas. */
const TEST_LINES_MAX = 500;
const ROOT_FILES = ['main', 'compose', 'config', 'limits', 'clock', 'ports', 'thread'];
const VAGUE = /^(?:controllers?|services?|utils?|utilities|helpers?|common|shared|misc|managers?|lib)$/;

const everywhere =
  (...patterns: readonly RegExp[]): Rule['find'] =>
  (source) =>
    patterns.flatMap((pattern) => matches(source, pattern));

const inServer =
  (...patterns: readonly RegExp[]): Rule['find'] =>
  (source) =>
    isServer(source) ? everywhere(...patterns)(source, []) : [];

/** The comment a file opens with, without its marks; '' when it opens with something else. */
function openingComment({ text }: Source): string {
  const block = /^\/\*\*?([\s\S]*?)\*\//.exec(text)?.[1];
  const lines = /^(?:\/\/.*(?:\n|$))+/.exec(text)?.[0];
  return (block ?? lines ?? '').replace(/^[ \t]*(?:\/\/|\*)?/gm, '').trim();
}

export const LANGUAGE_RULES: readonly Rule[] = [
  {
    name: 'files are named for what they hold',
    why: 'a reader finds the file by its name; `utils` and `helpers` are where second ideas go to be forgotten',
    remedy: 'a kebab-case noun or verb-noun, in the room that owns the idea',
    find: (source) => {
      const parts = source.path.split('/');
      const folders = parts.slice(0, -1);
      const name = parts.at(-1) ?? '';
      const stem = name.replace(/(?:(?:\.browser)?\.test|\.soak|\.d)?\.ts$/, '');
      const objection =
        [...folders, stem].some((part) => !/^[a-z0-9]+(?:-[a-z0-9]+)*$/.test(part)) ||
        /\.(?!test|soak|browser\.test|d\.)/.test(name.slice(0, -3))
          ? 'is not kebab-case'
          : [...folders, stem].some((part) => VAGUE.test(part))
            ? 'names no idea'
            : isServer(source) && folders.length === 1 && !ROOT_FILES.includes(stem)
              ? 'belongs in a room'
              : undefined;
      return objection === undefined ? [] : [breach(source, 1, objection)];
    },
    planted: [
      { 'server/trading/submitOrder.ts': '' },
      { 'server/trading/helpers.ts': '' },
      { 'server/services/orders.ts': '' },
      { 'server/orders.ts': '' },
      { 'test/trading/submit.spec.ts': '' },
      { 'test/trading/submit.browser.ts': '' },
    ],
    allowed: [
      { 'server/trading/risk-market.ts': '' },
      { 'test/trading/submit.test.ts': '' },
      { 'test/console/all-pages.browser.test.ts': '' },
      { 'server/ports.ts': '' },
    ],
  },
  {
    name: 'a file opens with its purpose',
    why: 'who opens the tree for the first time decides from one sentence whether to read on',
    remedy: 'one sentence in a comment on the first line, with a full stop; what follows may say more',
    find: (source) => {
      const opening = openingComment(source);
      return /^\S+(?:\s+\S+){2,}/.test(opening) && /[.!?)]$/.test(opening)
        ? []
        : [breach(source, 1, source.text.split('\n')[0] ?? '')];
    },
    planted: [
      { 'server/store/x.ts': "import { a } from './a.ts';" },
      { 'server/store/x.ts': '// helpers' },
      { 'server/store/x.ts': '/** the table of orders and everything that asks it */\nexport {};' },
    ],
    allowed: [
      { 'server/store/x.ts': '/** The table of orders: rows as values. */\nexport {};' },
      { 'server/store/x.ts': '/**\n * The table of orders: rows\n * as values.\n */\nexport {};' },
      { 'test/x.test.ts': '// The lockfile and\n// the pins.\nexport {};' },
    ],
  },
  {
    name: 'a file tells one story',
    why: `beyond ${LINES_MAX} lines there is a second idea in it, and the reader has lost the first`,
    remedy: "move the second idea to a file of its own, or open with a comment that says 'Long because …'",
    find: (source) => {
      const lines = source.text.trimEnd().split('\n').length;
      const max = isServer(source) ? LINES_MAX : TEST_LINES_MAX;
      return lines <= max || /\bLong because\b/.test(source.text.split('\n').slice(0, 15).join('\n'))
        ? []
        : [breach(source, max + 1, `${lines} lines`)];
    },
    planted: [
      { 'server/store/x.ts': `// One story.\n${'export {};\n'.repeat(LINES_MAX)}` },
      { 'test/store/x.test.ts': `// One story.\n${'export {};\n'.repeat(TEST_LINES_MAX)}` },
    ],
    allowed: [
      {
        'server/store/x.ts': `// One story. Long because the table is one table.\n${'export {};\n'.repeat(LINES_MAX)}`,
      },
      { 'server/store/x.ts': `// One story.\n${'export {};\n'.repeat(LINES_MAX - 1)}` },
    ],
  },
  {
    name: 'types are not talked away',
    why: '`any` and `!` are where the compiler stops looking, and money goes through what it did not look at',
    remedy:
      'unknown and a zod parse at the edge; a narrowing `if`, a `?? fallback` or a throw that names the bug',
    find: everywhere(
      /(?::|\bas|<|,|\|)\s*any\b(?!\s*\()/g,
      /[\w)\]]!(?=\s*(?:[.[;,)\]}:]|\n|$))|[\w)\]]!\(/g,
      /\bas\s+never\b/g,
    ),
    planted: [
      { 'server/store/x.ts': 'const a: any = 1;' },
      { 'server/store/x.ts': 'const a = b as any;' },
      { 'server/store/x.ts': 'const a: Promise<any> = b;' },
      { 'server/store/x.ts': 'const a = rows[0]!.id;' },
      { 'server/store/x.ts': 'const a = scale(b, c as never);' },
      { 'server/store/x.ts': 'const a = find(b)!;' },
    ],
    allowed: [
      { 'server/store/x.ts': "// any of them!\nconst a: Company = b !== c && !d ? 'any!' : `any ${e}!`;" },
      { 'server/store/x.ts': 'const a = /[a-z]!/.test(b);\nconst many = !a;' },
    ],
  },
  {
    name: 'only types that erase',
    why: 'Node runs these files by erasing types; enums, parameter properties and namespaces are code that it can not erase',
    remedy:
      "a union of strings, `as const` lists, fields written out, a module; pass a plugin's needs as options",
    find: everywhere(
      /\b(?:const\s+)?enum\s+[A-Za-z_$]/g,
      /\bconstructor\s*\([^)]*\b(?:private|public|protected|readonly)\s/g,
      /^\s*(?:export\s+)?(?:declare\s+)?(?:namespace|module)\s+[\w'"]/gm,
    ),
    planted: [
      { 'server/store/x.ts': 'export enum Side { Buy }' },
      { 'server/store/x.ts': 'class A { constructor(private readonly db: Db) {} }' },
      { 'server/store/x.ts': 'export namespace A {}' },
      {
        'server/http/x.ts': "declare module 'fastify' { interface FastifyRequest { principal: Principal } }",
      },
    ],
    allowed: [
      { 'server/store/x.ts': "// enum Side\nconst module = 'enum x';\nclass A { constructor(db: Db) {} }" },
    ],
  },
  {
    name: 'importing a file does nothing',
    why: 'two gateways in one process (every test) would share it, and the order of imports would become behaviour',
    remedy:
      'make it in a function that compose.ts calls; lists that never change are ReadonlySet or ReadonlyMap',
    find: (source) => (isServer(source) && roomOf(source.path) !== 'main' ? moduleEffects(source) : []),
    planted: [
      { 'server/access/x.ts': 'let epoch = 0;' },
      { 'server/access/x.ts': 'export const sessions = new Map<string, Session>();' },
      { 'server/access/x.ts': 'const seen = new Set();' },
      { 'server/access/x.ts': "const db = new Database('x');" },
      { 'server/access/x.ts': "export const key = readFileSync('key');" },
      { 'server/access/x.ts': 'register(tool);' },
      { 'server/access/x.ts': "process.on('exit', stop);" },
      { 'server/access/x.ts': 'const a = await load();' },
      { 'server/access/x.ts': 'for (const a of b) add(a);' },
    ],
    allowed: [
      {
        'server/access/x.ts':
          "const HOW: ReadonlySet<string> = new Set(['a']);\nconst WORDS = new Set(['a', 'b']);",
      },
      { 'server/access/x.ts': 'function f() {\n  let a = 0;\n  register(a);\n  const seen = new Set();\n}' },
      { 'server/domain/x.ts': 'const Dec = BigFactory();\nDec.strict = true;' },
      {
        'server/market/x.ts':
          '/** One a zone, because making one is slow; bounded by the zones there are. */\nconst made = new Map<string, Zone>();',
      },
      { 'server/main.ts': 'await run(process.argv);' },
    ],
  },
  {
    name: 'the world arrives as an argument',
    why: 'a decision that reads the clock or rolls dice by itself can not be tested at the moment that matters',
    remedy: 'take `now`, an id or a Clock as an argument; compose.ts hands the wall clock in',
    find: (source) =>
      ['clock', 'compose', 'main', 'cli'].includes(roomOf(source.path))
        ? []
        : inServer(
            /\bDate\.now\b/g,
            /\bnew Date\(\s*\)/g,
            /\bDate\(\s*\)/g,
            /\bperformance\.(?:now|timeOrigin)\b/g,
            /\bprocess\.(?:hrtime|uptime)\b/g,
            /\bMath\.random\b/g,
            /\bset(?:Timeout|Interval)\b/g,
            // No time passes until the end of a turn; a door may gather there what it sends.
            ...(roomOf(source.path) === 'http' ? [] : [/\bsetImmediate\b/g]),
          )(source, []),
    planted: [
      { 'server/access/x.ts': 'const now = Date.now();' },
      { 'server/access/x.ts': 'const now = new Date();' },
      { 'server/access/x.ts': 'const now = performance.now();' },
      { 'server/access/x.ts': 'const id = Math.random();' },
      { 'server/access/x.ts': 'setTimeout(stop, 1000);' },
      { 'server/access/x.ts': 'setInterval(stop, 1000);' },
      { 'server/trading/x.ts': 'setImmediate(send);' },
      { 'server/http/x.ts': 'setTimeout(send, 0);' },
    ],
    allowed: [
      { 'server/access/x.ts': 'const then = new Date(timeMs).toISOString(); // not Date.now()' },
      { 'server/clock.ts': 'const now = Date.now();' },
      { 'server/http/x.ts': 'setImmediate(send);' },
      { 'test/x.test.ts': 'setTimeout(stop, 10);' },
    ],
  },
  {
    name: 'one reader of the environment',
    why: 'a setting read anywhere else is in no documentation, has no check and can differ between two places',
    remedy: 'add it to server/config.ts and receive it as an option',
    find: (source) =>
      source.path === 'server/config.ts'
        ? []
        : inServer(/\bprocess\.env\b|\benv\b.*from 'node:process'/g)(source, []),
    planted: [{ 'server/http/x.ts': "const port = process.env['PORT'];" }],
    allowed: [
      { 'server/config.ts': 'parse(process.env);' },
      { 'server/http/x.ts': '// process.env is read in config.ts' },
    ],
  },
  {
    name: 'finished',
    why: 'what is left for later is found by the user first',
    remedy: 'do it, or leave it out and let the code say what it refuses',
    find: (source) =>
      // The rules themselves have to name what they look for.
      (source.path.startsWith('test/architecture/') ? '' : source.text)
        .split('\n')
        .flatMap((text, index) => (UNFINISHED.test(text) ? [breach(source, index + 1, text.trim())] : [])),
    planted: [
      { 'server/store/x.ts': '// TODO: the rest' },
      { 'server/store/x.ts': "throw new Error('not implemented');" },
    ],
    allowed: [{ 'server/store/x.ts': 'const todos = mastodon;' }],
  },
  {
    name: 'tests use the real thing',
    why: 'a mock agrees with whoever wrote it; the store, the clock by hand and the scripted broker do not',
    remedy:
      'real SQLite, the hand clock, the paper broker or the scripted broker of test/support; no vi.mock, fn, spyOn or fake timers',
    find: (source) =>
      isServer(source) ? [] : matches(source, /\bvi\.(?:mock|doMock|fn|spyOn|useFakeTimers|stubGlobal)\b/g),
    planted: [{ 'test/trading/x.test.ts': 'const place = vi.fn();' }],
    allowed: [{ 'test/trading/x.test.ts': 'await vi.waitFor(() => seen);' }],
  },
];

const UNFINISHED = /\b(?:TODO|FIXME|XXX|HACK)\b|not implemented/;

/** What happens at import as far as the text of the outermost level tells. */
function moduleEffects(source: Source) {
  const lines = source.code.split('\n');
  const original = source.text.split('\n');
  let depth = 0;
  return lines.flatMap((line, index) => {
    const outermost = depth === 0;
    depth += (line.match(/[{([]/g)?.length ?? 0) - (line.match(/[})\]]/g)?.length ?? 0);
    if (!outermost || !acts(line, source.code, original[index - 1] ?? '')) return [];
    return [breach(source, index + 1, original[index]?.trim() ?? '')];
  });
}

function acts(line: string, code: string, lineBefore: string): boolean {
  if (/^(?:export\s+)?(?:let|var)\b/.test(line)) return true;
  if (/^(?:await|if|for|while|do|switch|try|throw|void|new|delete)\b/.test(line)) return true;
  const declared = /^(?:export\s+)?const\s+[\w$]+\s*(:[^=]+)?=\s*(.*)$/.exec(line);
  if (declared) {
    const [, type = '', value = ''] = declared;
    if (
      /^await\b|^(?:readFileSync|openSync|mkdirSync|spawn|createServer|fastify|Fastify)\b|^new (?:Database|EventEmitter|AbortController)\b/.test(
        value,
      )
    ) {
      return true;
    }
    const growing = /^new (?:Weak)?(?:Map|Set)\b[^(]*\(\s*\)/.test(value) && !/Readonly/.test(type);
    return growing && !/\b(?:because|bounded|once)\b/.test(lineBefore);
  }
  const assigned = /^([A-Za-z_$][\w$]*)\.[\w$.]+\s*=[^=>]/.exec(line)?.[1];
  if (assigned !== undefined)
    return !new RegExp(`^const ${assigned.replaceAll('$', '\\$')}\\b`, 'm').test(code);
  return /^(?!export\b|import\b|const\b|function\b|async\b|type\b|interface\b|class\b|declare\b|abstract\b)[A-Za-z_$][\w$.]*\s*(?:\(|\+\+|--|=[^=>])/.test(
    line,
  );
}
