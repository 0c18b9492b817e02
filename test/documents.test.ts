/** The documents are true where a program can tell: commands, links, paths, dependencies, the example mandate. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { BROKERS } from '#brokers/index.ts';
import { optionsOf } from '#cli/command.ts';
import { COMMANDS } from '#cli/index.ts';
import { claudeCodeStdio, hostById, KEY_PLACEHOLDER } from '#console/connect-snippets.ts';
import { REFUSAL_REASONS } from '#domain/refusal.ts';
import { isReserved } from '#domain/refusal-guide.ts';
import { TOOLS } from '#tools/index.ts';
import { brokersPage } from '../scripts/brokers-page.ts';
import { refusalsPage } from '../scripts/refusals-page.ts';
import { toolsPage } from '../scripts/tools-page.ts';
import { recordedResults } from './brokers/conformance/results.ts';

const PROJECT = fileURLToPath(new URL('../', import.meta.url));
const read = (path: string): string => readFileSync(join(PROJECT, path), 'utf8');
const inFolder = (folder: string): string[] =>
  existsSync(join(PROJECT, folder))
    ? readdirSync(join(PROJECT, folder)).filter((name) => name.endsWith('.md'))
    : [];
const DOCUMENTS = [...inFolder('.'), ...inFolder('docs').map((name) => `docs/${name}`)];

const names = z.record(z.string(), z.string());
const manifest = z
  .object({ scripts: names, dependencies: names, devDependencies: names })
  .parse(JSON.parse(read('package.json')));

/** First groups of all matches, each once. */
const found = (text: string, pattern: RegExp): string[] => [
  ...new Set([...text.matchAll(pattern)].map(([, first = '']) => first)),
];
/** As hosts of repositories make them from headings. */
const anchors = (text: string): string[] =>
  found(text.replaceAll(/^```[^]*?^```/gm, ''), /^#+ (.+)$/gm).map((heading) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );

/** Why `portcullis …` can not be typed as it stands, or nothing. */
function wrongWith(line: string): string | undefined {
  const words = line.split(/\s+/);
  const [name = '', second = ''] = words;
  if (name.startsWith('--') || name === '') return undefined;
  const command = COMMANDS.find((one) => one.name === name);
  if (command === undefined) return `there is no command ${name}`;
  const verb = command.verbs[''] ?? command.verbs[second];
  const verbsNamed = second.split('|');
  if (verb === undefined)
    return second === '' || verbsNamed.every((one) => Object.hasOwn(command.verbs, one))
      ? undefined
      : `${name} has no ${second}`;
  const options = words.filter((word) => word.startsWith('--')).map((word) => word.slice(2));
  const strange = options.find((option) => !Object.hasOwn(optionsOf(verb), option));
  return strange === undefined ? undefined : `${name} ${second} has no option --${strange}`;
}

const commandsIn = (text: string): string[] => found(text, /(?:npx |`)portcullis ([^\n`#>]+)/g);

describe('what the documents say', () => {
  it('finds the documents, and commands in them', () => {
    expect(DOCUMENTS).toEqual(
      expect.arrayContaining(['ARCHITECTURE.md', 'CONTRIBUTING.md', 'README.md', 'SECURITY.md']),
    );
    expect(commandsIn(read('README.md')).length).toBeGreaterThan(12);
  });

  it.each([
    ['kil', 'there is no command kil'],
    ['keys make --agent claude', 'keys has no make'],
    ['kill --flaten', 'kill --flaten has no option --flaten'],
  ])('would notice `portcullis %s`', (line, why) => {
    expect(wrongWith(line)).toBe(why);
  });

  it.each(DOCUMENTS)('%s names only commands that there are', (document) => {
    const wrong = commandsIn(read(document)).map(wrongWith);
    expect(wrong.filter((why) => why !== undefined)).toEqual([]);
  });

  it.each(DOCUMENTS)('%s names only scripts that there are', (document) => {
    const scripts = found(read(document), /npm run ([\w:-]+)/g);
    expect(scripts.filter((script) => !Object.hasOwn(manifest.scripts, script))).toEqual([]);
  });

  it.each(DOCUMENTS)('%s links only to what is there', (document) => {
    const links = found(read(document), /\]\(([^)\s]+)\)/g).filter((link) => !/^[a-z]+:/.test(link));
    const broken = links.filter((link) => {
      const [path = '', anchor] = link.split('#');
      const target = path === '' ? document : join(document, '..', path);
      if (!existsSync(join(PROJECT, target))) return true;
      return anchor !== undefined && !anchors(read(target)).includes(anchor);
    });
    expect(broken).toEqual([]);
  });

  it.each(DOCUMENTS)('%s names only files that are there', (document) => {
    const paths = found(read(document), /`((?:server|test|scripts|bin)\/[\w./-]+\.\w+)`/g);
    expect(paths.filter((path) => !path.includes('NNN') && !existsSync(join(PROJECT, path)))).toEqual([]);
  });

  it.each(DOCUMENTS)('%s names only tools and refusals that there are', (document) => {
    const known = new Set<string>([...TOOLS.map(({ name }) => name), ...REFUSAL_REASONS]);
    // `list_changed` is a word of MCP.
    const verbs = 'get|list(?!_changed)|search|place|modify|cancel|close|halt';
    const tools = found(read(document), new RegExp(`\`((?:${verbs})_[a-z_]+)\``, 'g'));
    expect(tools.filter((tool) => !known.has(tool))).toEqual([]);
    const reasons = found(read(document), /"reason": "(\w+)"/g);
    expect(reasons.filter((reason) => !known.has(reason))).toEqual([]);
  });

  it.each(DOCUMENTS)('%s shows JSON that is JSON', (document) => {
    const blocks = found(read(document), /^ *```json\n([^]*?)^ *```/gm);
    const wrong = blocks.filter((block) => {
      try {
        JSON.parse(block);
        return false;
      } catch {
        return true;
      }
    });
    expect(wrong).toEqual([]);
  });

  it.each(DOCUMENTS)('%s knows no machine and no registry', (document) => {
    expect(read(document)).not.toMatch(/\/(?:home|root|Users|tmp|work)\/|\bregistry\./);
  });
});

describe('what is made from the code', () => {
  const told = JSON.parse(read('server/tools/examples.generated.json')) as Parameters<typeof toolsPage>[1];

  it.each([
    ['docs/tools.md', () => toolsPage(TOOLS, told)],
    ['docs/refusals.md', refusalsPage],
    ['docs/brokers.md', () => brokersPage(BROKERS, recordedResults())],
  ])('%s is as `npm run docs` writes it', (path, make) => {
    expect(read(path)).toBe(make());
  });

  it('has results of the conformance suite for every broker, and none for what is not one', () => {
    expect([...new Set(recordedResults().map(({ broker }) => broker))].toSorted()).toEqual(
      BROKERS.map(({ id }) => id).toSorted(),
    );
  });

  it('calls reserved exactly the refusals that nothing answers', () => {
    const sources = readdirSync(join(PROJECT, 'server'), { recursive: true, encoding: 'utf8' })
      .filter(
        (path) => path.endsWith('.ts') && !path.startsWith('domain/refusal') && path !== 'tools/refusals.ts',
      )
      .map((path) => read(`server/${path}`))
      .join('\n');
    const answered = REFUSAL_REASONS.filter((reason) => sources.includes(`'${reason}'`));
    expect(REFUSAL_REASONS.filter((reason) => !isReserved(reason))).toEqual(answered);
  });
});

describe('what is to be pasted into a host', () => {
  const launch = { command: 'node', args: ['/path/to/portcullis/bin/portcullis.mjs', 'stdio'], env: {} };
  const facts = { origin: 'http://127.0.0.1:7800', stdio: launch, key: KEY_PLACEHOLDER };
  const shown = (host: string, way: string): string =>
    hostById(host)
      ?.snippets(facts)
      .find((snippet) => snippet.way === way)?.text ?? '';

  it.each(['README.md', 'docs/connect-an-agent.md'])('%s: what the console shows', (document) => {
    const text = read(document);
    expect(text).toContain(`\n${claudeCodeStdio(launch)}\n`);
    expect(text).toContain(`\n${shown('claude-code', 'http')}\n`);
    const blocks = [...text.matchAll(/```json\n([^]*?)```/g)].map(
      ([, json = '']) => JSON.parse(json) as unknown,
    );
    expect(blocks).toContainEqual(JSON.parse(shown('claude-desktop', 'stdio')));
  });
});

describe('README.md', () => {
  it('tests as CI does', () => {
    const given = /^Test it:\n\n```sh\n(.+)\n```$/m.exec(read('README.md'))?.[1];
    const called = read('.ci/run')
      .split('\n')
      .map((line) => /^(?:if ! )?(npm (?:ci|test))(?:;| \|\||$)/.exec(line)?.[1])
      .filter((command) => command !== undefined);
    expect(given).toBe(called.join(' && '));
  });

  it('shows the mandate that `mandates example` prints', () => {
    const shown = /```json\n(\{\n {2}"accounts"[^]*?)```/.exec(read('README.md'))?.[1] ?? '';
    const printed = execFileSync(process.execPath, [join(PROJECT, 'server/main.ts'), 'mandates', 'example'], {
      encoding: 'utf8',
    });
    expect(JSON.parse(shown)).toEqual(JSON.parse(printed));
  });
});

describe('ARCHITECTURE.md', () => {
  const table = found(read('ARCHITECTURE.md').split('## Dependencies')[1] ?? '', /^\| `([^`]+)` \|/gm);

  it('has a line for every dependency, and none for what is not one', () => {
    const used = Object.keys({ ...manifest.dependencies, ...manifest.devDependencies });
    expect(table.toSorted()).toEqual(used.toSorted());
  });

  it('has a line for every room', () => {
    const rooms = readdirSync(join(PROJECT, 'server'), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name);
    expect(found(read('ARCHITECTURE.md'), /^\| `(\w+)\/` \|/gm).toSorted()).toEqual(rooms.toSorted());
  });
});
