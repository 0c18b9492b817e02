/** What to paste into each host so that its agent finds this gateway: real address, absolute paths, the key by an environment variable. */
import type { StdioLaunch } from './desks.ts';

/** The variable that carries an agent's key, in every host and in `portcullis stdio`. */
export const KEY_VARIABLE = 'PORTCULLIS_KEY';
/** Stands where a key would, on pages that show none. */
export const KEY_PLACEHOLDER = 'pcl_…';

/** `stdio`: the host starts a program on this machine. `http`: it calls the address of the gateway. */
export type SnippetWay = 'stdio' | 'http';

export interface Snippet {
  readonly way: SnippetWay;
  readonly language: 'sh' | 'json' | 'toml';
  /** Where it is pasted, one sentence. */
  readonly where: string;
  readonly text: string;
  /** What makes the host look, one sentence. */
  readonly afterwards: string;
}

export interface SnippetFacts {
  /** `http://127.0.0.1:7800`, as the browser that shows it names this gateway. */
  readonly origin: string;
  readonly stdio: StdioLaunch;
  /** Shown once, right after it was made; KEY_PLACEHOLDER otherwise. */
  readonly key: string;
}

export interface Host {
  /** In addresses and forms. */
  readonly id: string;
  readonly label: string;
  /** The best way first. */
  snippets(facts: SnippetFacts): readonly Snippet[];
}

const MERGE =
  'If the file holds servers already, add only the part that begins with "portcullis" beside them.';

export const HOSTS: readonly Host[] = [
  {
    id: 'claude-code',
    label: 'Claude Code',
    snippets: (facts) => [
      {
        way: 'stdio',
        language: 'sh',
        where: 'Paste into a terminal, in the folder that you start Claude Code in.',
        text: claudeCodeStdio(facts.stdio, facts.key),
        afterwards: 'Start Claude Code again; /mcp inside a session shows the tools.',
      },
      {
        way: 'http',
        language: 'sh',
        where: 'Paste into a terminal, in the folder that you start Claude Code in.',
        text: `${exported(facts.key)}\nclaude mcp add --transport http portcullis ${facts.origin}/mcp --header "Authorization: Bearer $${KEY_VARIABLE}"`,
        afterwards: 'Start Claude Code again; /mcp inside a session shows the tools.',
      },
    ],
  },
  {
    id: 'claude-desktop',
    label: 'Claude Desktop',
    snippets: (facts) => [
      {
        way: 'stdio',
        language: 'json',
        where: `Paste into claude_desktop_config.json (Settings, Developer, Edit Config). ${MERGE}`,
        text: json({ mcpServers: { portcullis: program(facts) } }),
        afterwards: 'Quit Claude Desktop and start it again.',
      },
    ],
  },
  {
    id: 'cursor',
    label: 'Cursor',
    snippets: (facts) => [
      {
        way: 'stdio',
        language: 'json',
        where: `Paste into ~/.cursor/mcp.json, or .cursor/mcp.json of a project. ${MERGE}`,
        text: json({ mcpServers: { portcullis: program(facts) } }),
        afterwards: 'Cursor asks whether to enable it, or do so under Settings, MCP.',
      },
      {
        way: 'http',
        language: 'json',
        where: `Set ${KEY_VARIABLE} in the environment that Cursor starts in, then paste into ~/.cursor/mcp.json. ${MERGE}`,
        text: json({
          mcpServers: {
            portcullis: { url: `${facts.origin}/mcp`, headers: bearer(`\${env:${KEY_VARIABLE}}`) },
          },
        }),
        afterwards: 'Cursor asks whether to enable it, or do so under Settings, MCP.',
      },
    ],
  },
  {
    id: 'vs-code',
    label: 'VS Code',
    snippets: (facts) => [
      {
        way: 'stdio',
        language: 'json',
        where: `Run "MCP: Open User Configuration" from the command palette and paste into the file. ${MERGE}`,
        text: json({ servers: { portcullis: { type: 'stdio', ...program(facts) } } }),
        afterwards: 'Press Start above the entry, and choose agent mode in the chat.',
      },
      {
        way: 'http',
        language: 'json',
        where: `Run "MCP: Open User Configuration" from the command palette and paste into the file; VS Code asks for the key once and keeps it. ${MERGE}`,
        text: json({
          inputs: [
            { type: 'promptString', id: 'portcullis-key', description: 'Portcullis API key', password: true },
          ],
          servers: {
            portcullis: {
              type: 'http',
              url: `${facts.origin}/mcp`,
              headers: bearer('${input:portcullis-key}'),
            },
          },
        }),
        afterwards: 'Press Start above the entry, and choose agent mode in the chat.',
      },
    ],
  },
  {
    id: 'windsurf',
    label: 'Windsurf',
    snippets: (facts) => [
      {
        way: 'stdio',
        language: 'json',
        where: `Paste into ~/.codeium/windsurf/mcp_config.json. ${MERGE}`,
        text: json({ mcpServers: { portcullis: program(facts) } }),
        afterwards: 'Press Refresh in the MCP panel of Cascade.',
      },
      {
        way: 'http',
        language: 'json',
        where: `Set ${KEY_VARIABLE} in the environment that Windsurf starts in, then paste into ~/.codeium/windsurf/mcp_config.json. ${MERGE}`,
        text: json({
          mcpServers: {
            portcullis: { serverUrl: `${facts.origin}/mcp`, headers: bearer(`\${env:${KEY_VARIABLE}}`) },
          },
        }),
        afterwards: 'Press Refresh in the MCP panel of Cascade.',
      },
    ],
  },
  {
    id: 'codex',
    label: 'Codex',
    snippets: (facts) => [
      {
        way: 'stdio',
        language: 'toml',
        where: 'Paste at the end of ~/.codex/config.toml.',
        text: codexStdio(facts),
        afterwards: 'Start Codex again; /mcp shows the server.',
      },
      {
        way: 'http',
        language: 'toml',
        where: `Set ${KEY_VARIABLE} in the environment that Codex starts in, then paste at the end of ~/.codex/config.toml.`,
        text: [
          '[mcp_servers.portcullis]',
          `url = ${toml(`${facts.origin}/mcp`)}`,
          `bearer_token_env_var = ${toml(KEY_VARIABLE)}`,
        ].join('\n'),
        afterwards: 'Start Codex again; /mcp shows the server.',
      },
    ],
  },
  {
    id: 'curl',
    label: 'curl, or a script',
    snippets: (facts) => [
      {
        way: 'http',
        language: 'sh',
        where: 'Paste into a terminal; the variable is good for as long as that terminal is open.',
        text: `${exported(facts.key)}\n${curl(facts.origin, '/api/v1/mandate')}`,
        afterwards: 'It answers what this agent may do, and what is left of it today.',
      },
    ],
  },
];

/** A browser on another machine speaks for a host there, where no program of ours can be started. */
export function bestSnippet(host: Host, facts: SnippetFacts): Snippet | undefined {
  const snippets = host.snippets(facts);
  const isHere = /^http:\/\/(?:127\.|localhost[:/]|localhost$|\[::1\])/.test(facts.origin);
  return (isHere ? undefined : snippets.find(({ way }) => way === 'http')) ?? snippets[0];
}

export const hostById = (id: string): Host | undefined => HOSTS.find((host) => host.id === id);

/** Without a key: as the agent `local`. */
export function claudeCodeStdio({ command, args, env }: StdioLaunch, key?: string): string {
  const variables = Object.entries({ ...env, ...(key === undefined ? {} : { [KEY_VARIABLE]: key }) });
  const set = variables.flatMap(([name, value]) => ['--env', `${name}=${value}`]);
  return ['claude', 'mcp', 'add', 'portcullis', ...set, '--', command, ...args].map(quoted).join(' ');
}

/** One call of REST, with the key from the environment; `body` makes it a POST. */
export function curl(origin: string, path: string, body?: string): string {
  const sent = body === undefined ? [] : ["-H 'Content-Type: application/json'", `-d ${quoted(body)}`];
  return [
    `curl -s ${quoted(`${origin}${path}`)}`,
    `-H "Authorization: Bearer $${KEY_VARIABLE}"`,
    ...sent,
  ].join(' \\\n  ');
}

const exported = (key: string): string => `export ${KEY_VARIABLE}=${quoted(key)}`;
const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });
const json = (value: unknown): string => JSON.stringify(value, null, 2);
/** A TOML basic string is written as a JSON string is (TOML 1.0, section String), but for DEL, which no path of ours holds. */
const toml = (text: string): string => JSON.stringify(text);

const program = ({ stdio: { command, args, env }, key }: SnippetFacts) => ({
  command,
  args,
  env: { ...env, [KEY_VARIABLE]: key },
});

function codexStdio(facts: SnippetFacts): string {
  const { command, args, env } = program(facts);
  return [
    '[mcp_servers.portcullis]',
    `command = ${toml(command)}`,
    `args = [${args.map(toml).join(', ')}]`,
    '',
    '[mcp_servers.portcullis.env]',
    ...Object.entries(env).map(([name, value]) => `${name} = ${toml(value)}`),
  ].join('\n');
}

/** For a POSIX shell. */
const quoted = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
