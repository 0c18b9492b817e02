/** From the words of a command line to an exit code: finds the command, explains it or runs it, and says what went wrong. */
import { isatty } from 'node:tty';
import { parseArgs } from 'node:util';
import { wallClock } from '#clock.ts';
import { loadConfig, ownSources } from '#config.ts';
import { nearest } from '#domain/nearest.ts';
import { printable } from '#domain/refusal.ts';
import {
  type Command,
  CommandError,
  type Invocation,
  type Option,
  optionsOf,
  RefusedError,
  type Terminal,
  UsageError,
  type Verb,
} from './command.ts';
import { sentenceOf } from './start-error.ts';
import { productVersion } from './version.ts';

export async function run(commands: readonly Command[], argv: readonly string[]): Promise<number> {
  try {
    return await dispatch(commands, argv);
  } catch (cause) {
    if (cause instanceof UsageError) return complain(cause.message, 2);
    if (cause instanceof RefusedError) return complain(refusalText(cause), 1);
    const sentence = cause instanceof CommandError ? cause.message : sentenceOf(cause);
    if (sentence !== undefined) return complain(sentence, 1);
    return complain(cause instanceof Error ? (cause.stack ?? cause.message) : String(cause), 1);
  }
}

const terminal: Terminal = {
  say: (line) => void process.stdout.write(`${clean(line)}\n`),
  warn: (line) => void process.stderr.write(`${clean(line)}\n`),
  isTty: isatty(process.stdout.fd),
};
/** Names, reasons and errors may hold a stranger's text. */
const clean = (text: string): string => text.split('\n').map(printable).join('\n');

function complain(text: string, code: 1 | 2): number {
  terminal.warn(text);
  return code;
}

function refusalText({ refusal }: RefusedError): string {
  const errors = (refusal.errors ?? []).map(
    ({ field, value, rule, nearest: near }) =>
      `  ${field}: ${JSON.stringify(value)} - ${rule}${near === null ? '' : ` (${near}?)`}`,
  );
  const means = refusal.did_you_mean ? [`  Did you mean ${refusal.did_you_mean.join(', ')}?`] : [];
  return [refusal.detail, ...errors, ...(errors.length > 0 ? [] : means)].join('\n');
}

async function dispatch(commands: readonly Command[], argv: readonly string[]): Promise<number> {
  const [name, ...rest] = argv;
  if (name === '--version') {
    terminal.say(productVersion());
    return 0;
  }
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    terminal.say(overview(commands));
    return name === undefined ? 2 : 0;
  }
  const command = commands.find((one) => one.name === name);
  if (command === undefined)
    throw new UsageError(
      unknown(
        'command',
        name,
        commands.map((one) => one.name),
      ),
    );
  const verbs = Object.keys(command.verbs);
  const single = verbs.length === 1 && verbs[0] === '';
  const verbName = single ? '' : (rest[0] ?? '');
  const wantsHelp = rest.includes('--help') || rest.includes('-h');
  const verb = Object.hasOwn(command.verbs, verbName) ? command.verbs[verbName] : undefined;
  if (wantsHelp) {
    terminal.say(verb === undefined ? commandHelp(command) : verbHelp(command, verbName, verb));
    return 0;
  }
  if (verb === undefined)
    throw new UsageError(
      verbName === ''
        ? `${name} needs one of ${verbs.join(', ')}; see \`portcullis ${name} --help\`.`
        : unknown(`${name} command`, verbName, verbs),
    );
  return verb.run(invocationOf(command, verbName, verb, single ? rest : rest.slice(1)));
}

const unknown = (what: string, given: string, known: readonly string[]): string => {
  const near = nearest(given, known);
  const hint = near === null ? 'see `portcullis --help`' : `did you mean ${near}?`;
  return `There is no ${what} ${JSON.stringify(given.slice(0, 40))}; ${hint}`;
};

function invocationOf(command: Command, verbName: string, verb: Verb, args: readonly string[]): Invocation {
  const options = optionsOf(verb);
  const parsed = parse(args, options);
  const expected = verb.words ?? [];
  const full = `portcullis ${[command.name, verbName].join(' ').trim()}`;
  if (parsed.positionals.length !== expected.length) {
    const wanted = expected.length === 0 ? 'takes no words' : `takes ${expected.join(' ')}`;
    throw new UsageError(`\`${full}\` ${wanted}; see \`${full} --help\`.`);
  }
  const value = (option: string): unknown => {
    if (!Object.hasOwn(options, option)) throw new Error(`${full} has no option ${option}`);
    return parsed.values[option];
  };
  return {
    words: parsed.positionals,
    text(option) {
      const given = value(option);
      return typeof given === 'string' ? given : undefined;
    },
    texts(option) {
      const given = value(option);
      return Array.isArray(given) ? given.filter((one) => typeof one === 'string') : [];
    },
    flag: (option) => value(option) === true,
    terminal,
    clock: wallClock,
    config: () => loadConfig(ownSources()),
  };
}

function parse(args: readonly string[], options: Readonly<Record<string, Option>>) {
  const types = Object.fromEntries(
    Object.entries(options).map(([name, { type, multiple = false }]) => [name, { type, multiple }]),
  );
  try {
    return parseArgs({ args: [...args], options: types, allowPositionals: true, strict: true });
  } catch (cause) {
    const [first = ''] = (cause as Error).message.split(/\. |\n/);
    const given = /^Unknown option '--([^']+)'/.exec(first)?.[1];
    throw new UsageError(
      given === undefined
        ? `${first}.`
        : unknown(
            'option',
            `--${given}`,
            Object.keys(options).map((name) => `--${name}`),
          ),
    );
  }
}

const padded = (rows: readonly (readonly [string, string])[]): string => {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`).join('\n');
};
const usage = (command: Command, verbName: string, verb: Verb): string =>
  [
    command.name,
    verbName,
    ...(verb.words ?? []),
    ...Object.entries(optionsOf(verb)).map(
      ([name, { value, multiple }]) => `[--${name}${value ? ` ${value}` : ''}]${multiple ? '…' : ''}`,
    ),
  ]
    .filter((word) => word !== '')
    .join(' ');

const overview = (commands: readonly Command[]): string =>
  `portcullis ${productVersion()}: a trading gateway for AI agents\n\nCommands (each has --help; exit 0 done, 1 failed, 2 not understood):\n${padded(
    commands.map((command) => {
      const verbs = Object.keys(command.verbs).filter((verb) => verb !== '');
      return [
        verbs.length === 0 ? command.name : `${command.name} ${verbs.join('|')}`,
        command.summary,
      ] as const;
    }),
  )}`;
const commandHelp = (command: Command): string =>
  `${command.summary}\n\n${padded(
    Object.entries(command.verbs).map(([name, verb]) => [usage(command, name, verb), verb.summary] as const),
  )}`;
function verbHelp(command: Command, verbName: string, verb: Verb): string {
  const options = Object.entries(optionsOf(verb)).map(
    ([name, { value, about }]) => [`--${name}${value ? ` ${value}` : ''}`, about] as const,
  );
  const list = options.length === 0 ? '' : `\n\n${padded(options)}`;
  const notes = verb.notes === undefined ? '' : `\n\n${verb.notes()}`;
  return `${verb.summary}\n\nUsage: portcullis ${usage(command, verbName, verb)}${list}${notes}`;
}
