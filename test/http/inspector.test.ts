/** The protocol's reference client on the command line, in every era over HTTP and over stdio. */
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { wallClock } from '#clock.ts';
import { TOOLS } from '#tools/index.ts';
import { openTestGateway, type TestGateway } from '../support/gateway.ts';
import { copyOfTheClone, endEngine, type Portcullis } from '../support/portcullis.ts';
import { type Run, runProgram } from '../support/run-program.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const INSPECTOR = fileURLToPath(
  new URL(
    '../../node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js',
    import.meta.url,
  ),
);
const INSPECTOR_TIMEOUT_MS = 30_000;
const TEST_TIMEOUT_MS = 60_000;
const ERAS = ['legacy', 'auto', 'modern'] as const;
const TOOL_NAMES = TOOLS.map(({ name }) => name);

const LIST = ['--method', 'tools/list', '--strict'];
const QUOTES = [
  '--method',
  'tools/call',
  '--tool-name',
  'get_quotes',
  '--tool-args-json',
  '{"symbols":["SPX"]}',
];

const toolsListed = z.object({ result: z.object({ tools: z.array(z.object({ name: z.string() })) }) });
const resourcesListed = z.object({
  result: z.object({ resources: z.array(z.object({ uri: z.string() })) }),
});
const promptsListed = z.object({ result: z.object({ prompts: z.array(z.object({ name: z.string() })) }) });
const resourceRead = z.object({ result: z.object({ contents: z.array(z.unknown()) }) });
const called = z.object({
  result: z.object({ structuredContent: z.unknown(), isError: z.boolean().optional() }),
});

function inspect(target: readonly string[], asked: readonly string[]): Promise<Run> {
  const home = temporaryFolder();
  const args = ['--cli', ...target, ...asked, '--format', 'json', '--connect-timeout', '20000'];
  return runProgram(INSPECTOR, args, { home, timeoutMs: INSPECTOR_TIMEOUT_MS });
}
/** What it printed; its complaints when it ended otherwise than well. */
function printed<T>(schema: z.ZodType<T>, run: Run): T {
  if (run.code !== 0) throw new Error(`ended with ${run.code}: ${run.stderr}`);
  return schema.parse(JSON.parse(run.stdout));
}

describe.each(ERAS)('over HTTP in the %s era', (era) => {
  let gate: TestGateway<typeof wallClock>;
  beforeAll(async () => {
    gate = await openTestGateway({ clock: wallClock });
  });
  afterAll(() => gate.close());
  const over = (key: string): readonly string[] => [
    `${gate.url}/mcp`,
    '--transport',
    'http',
    '--protocol-era',
    era,
    '--header',
    `Authorization: Bearer ${key}`,
  ];

  test(
    'it finds every tool, and none of their schemas at fault',
    async () => {
      const run = await inspect(over(gate.key().key), LIST);
      expect(printed(toolsListed, run).result.tools.map(({ name }) => name)).toEqual(TOOL_NAMES);
    },
    TEST_TIMEOUT_MS,
  );
  test(
    'it reads a quote',
    async () => {
      const run = await inspect(over(gate.key().key), QUOTES);
      const { result } = printed(called, run);
      expect(result.structuredContent).toMatchObject({ quotes: [{ symbol: 'SPX' }] });
      expect(result.isError).not.toBe(true);
    },
    TEST_TIMEOUT_MS,
  );
  test(
    'it finds the resources and reads one of them',
    async () => {
      const { key } = gate.key();
      const found = printed(resourcesListed, await inspect(over(key), ['--method', 'resources/list']));
      const [first] = found.result.resources;
      expect(first).toBeDefined();
      const read = await inspect(over(key), ['--method', 'resources/read', '--uri', first?.uri ?? '']);
      expect(printed(resourceRead, read).result.contents).toMatchObject([{ uri: first?.uri }]);
    },
    TEST_TIMEOUT_MS,
  );
  test(
    'it finds the prompts',
    async () => {
      const found = await inspect(over(gate.key().key), ['--method', 'prompts/list']);
      expect(printed(promptsListed, found).result.prompts).not.toEqual([]);
    },
    TEST_TIMEOUT_MS,
  );
  test(
    'a key that is none lists nothing',
    async () => {
      const run = await inspect(over(`pcl_${'A'.repeat(43)}`), LIST);
      expect(run.code).not.toBe(0);
      expect(run.code).not.toBeNull();
      expect(run.stdout).toBe('');
    },
    TEST_TIMEOUT_MS,
  );
});

describe('over stdio', () => {
  let clone: Portcullis;
  let gate: Portcullis;
  beforeAll(() => {
    clone = copyOfTheClone();
    gate = clone.fresh();
  });
  afterAll(async () => {
    endEngine(gate.enginePid());
    await clone.close();
  });

  const over = (era: (typeof ERAS)[number]): readonly string[] => {
    const settings = Object.entries(gate.env()).flatMap(([name, value]) => ['-e', `${name}=${value}`]);
    const command = [process.execPath, gate.launcher, 'stdio'];
    return [...command, '--transport', 'stdio', '--protocol-era', era, ...settings];
  };

  test.each(ERAS)(
    'it finds every tool and reads a quote in the %s era',
    async (era) => {
      const listed = await inspect(over(era), LIST);
      expect(printed(toolsListed, listed).result.tools.map(({ name }) => name)).toEqual(TOOL_NAMES);
      const quoted = await inspect(over(era), QUOTES);
      expect(printed(called, quoted).result.structuredContent).toMatchObject({ quotes: [{ symbol: 'SPX' }] });
    },
    TEST_TIMEOUT_MS,
  );
  test(
    'it finds resources and prompts',
    async () => {
      const resources = await inspect(over('auto'), ['--method', 'resources/list']);
      expect(printed(resourcesListed, resources).result.resources).not.toEqual([]);
      const prompts = await inspect(over('auto'), ['--method', 'prompts/list']);
      expect(printed(promptsListed, prompts).result.prompts).not.toEqual([]);
    },
    TEST_TIMEOUT_MS,
  );
});
