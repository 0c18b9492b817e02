// What is pasted: readable to the program that it is for, with the key as a variable, and whole whatever paths are called.
import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import {
  bestSnippet,
  claudeCodeStdio,
  HOSTS,
  hostById,
  type SnippetFacts,
} from '#console/connect-snippets.ts';

const KEY = 'pcl_0123456789abcdefghijklmnopqrstuvwxyzABCDEFG';
const FACTS: SnippetFacts = {
  origin: 'http://127.0.0.1:7800',
  stdio: {
    command: '/opt/it\'s "node"/bin/node',
    args: ['/home/o b/$HOME/`x`/portcullis.mjs', 'stdio'],
    env: { DATA_DIR: '/data of mine/\\new' },
  },
  key: KEY,
};
const snippets = HOSTS.flatMap((host) => host.snippets(FACTS).map((snippet) => ({ host, ...snippet })));
/** The words that a shell makes of a line. */
const wordsOf = (line: string): string[] =>
  execFileSync('sh', ['-c', `set -- ${line}; printf '%s\\n' "$@"`], { encoding: 'utf8' })
    .trimEnd()
    .split('\n');

describe('every snippet', () => {
  it.each(snippets.map((one) => [`${one.host.id} over ${one.way}`, one] as const))('%s', (_, snippet) => {
    const { language, text, way } = snippet;
    if (language === 'json') JSON.parse(text);
    if (way === 'http') expect(text).toContain('http://127.0.0.1:7800/');
    // In the environment of a program, or taken from the environment: never an argument, and never in an address.
    expect(text).toContain(snippet.host.id === 'vs-code' && way === 'http' ? '${input:' : 'PORTCULLIS_KEY');
    expect(text).not.toMatch(/https?:\S*pcl_/);
    expect(snippet.where).toMatch(/\.$/);
    expect(snippet.afterwards).toMatch(/\.$/);
  });
});

it('gives a program its paths to the letter, in a shell', () => {
  const { command, args } = FACTS.stdio;
  expect(wordsOf(claudeCodeStdio(FACTS.stdio, KEY))).toEqual([
    'claude',
    'mcp',
    'add',
    'portcullis',
    '--env',
    'DATA_DIR=/data of mine/\\new',
    '--env',
    `PORTCULLIS_KEY=${KEY}`,
    '--',
    command,
    ...args,
  ]);
  expect(claudeCodeStdio(FACTS.stdio)).not.toContain('PORTCULLIS_KEY');
});

it('gives a program its paths to the letter, in JSON', () => {
  const [desktop] = hostById('claude-desktop')?.snippets(FACTS) ?? [];
  expect(JSON.parse(desktop?.text ?? '')).toEqual({
    mcpServers: {
      portcullis: {
        command: FACTS.stdio.command,
        args: FACTS.stdio.args,
        env: { ...FACTS.stdio.env, PORTCULLIS_KEY: KEY },
      },
    },
  });
});

it('starts a program where the browser is on the machine itself, and calls the address from elsewhere', () => {
  const cursor = hostById('cursor');
  if (!cursor) throw new Error('there is no Cursor');
  const wayAt = (origin: string) => bestSnippet(cursor, { ...FACTS, origin })?.way;
  for (const here of [
    'http://127.0.0.1:7800',
    'http://localhost:7800',
    'http://localhost',
    'http://[::1]:7800',
  ])
    expect(wayAt(here), here).toBe('stdio');
  for (const elsewhere of [
    'https://gate.example',
    'https://127.0.0.1.evil.example',
    'http://localhost.example',
  ])
    expect(wayAt(elsewhere), elsewhere).toBe('http');
});
