/** Credentials of an account on the command line: from a file, or typed field by field; never as arguments, which others can see. */
import type { BrokerDefinition, BrokerField } from '#brokers/broker.ts';
import { CREDENTIALS_FILE_BYTES_MAX, SIGN_IN_FILE_BYTES_MAX } from '#limits.ts';
import { brokerOf, credentialFields, type Texts } from './account-reading.ts';
import { fromPerson } from './ask.ts';
import { CommandError, type Invocation, RefusedError, UsageError } from './command.ts';
import { canAsk } from './hidden-prompt.ts';
import { type PrivateFile, readPrivately, unusable } from './private-file.ts';

const OPTION = '--credentials-file';

export const CREDENTIALS_OPTION = {
  'credentials-file': {
    type: 'string',
    value: 'FILE',
    about:
      'file with the credentials, for you alone to read: a JSON object, or a line NAME=VALUE for each (a terminal asks for them otherwise)',
  },
} as const;

/** Throws CommandError when there is no file and nobody to ask. */
export async function credentialsFrom(invocation: Invocation, broker: BrokerDefinition): Promise<Texts> {
  const fields = credentialFields(broker);
  const path = invocation.text('credentials-file');
  if (path !== undefined) return readCredentials(path, fields);
  if (fields.length === 0) return {};
  if (!canAsk())
    throw new CommandError(
      `The credentials of ${broker.label} are needed: run it in a terminal, or give it ${OPTION} FILE with ${namesOf(fields)}.`,
    );
  const typed: Record<string, string> = {};
  for (const { name, label, optional } of fields)
    typed[name] = await fromPerson(`${label}${optional === true ? ' (may stay empty)' : ''}: `);
  return typed;
}

/** Where a browser ended after a sign-in: what is good once in it stays out of the list of processes. Throws CommandError. */
export async function addressFrom(invocation: Invocation): Promise<string> {
  const [given, path] = [invocation.text('token'), invocation.text('token-file')];
  if (given !== undefined && path !== undefined)
    throw new UsageError('`portcullis accounts sign-in` takes --token or --token-file, not both.');
  if (given !== undefined) return given;
  if (path !== undefined) {
    const file = { path, option: '--token-file', bytesMax: SIGN_IN_FILE_BYTES_MAX, what: 'an address' };
    return readPrivately(file).trim();
  }
  if (!canAsk())
    throw new CommandError(
      'The address that your browser was sent back to is needed: run it in a terminal, or give it --token-file FILE. --url prints the page to begin at.',
    );
  return (await fromPerson('Address that your browser was sent back to: ')).trim();
}

/** Names in any case. No complaint repeats a value. */
function readCredentials(path: string, fields: readonly BrokerField[]): Texts {
  const file: PrivateFile = {
    path,
    option: OPTION,
    bytesMax: CREDENTIALS_FILE_BYTES_MAX,
    what: 'credentials',
  };
  const content = readPrivately(file);
  const pairs = content.trimStart().startsWith('{') ? jsonPairs(file, content) : linePairs(file, content);
  const named: Record<string, string> = {};
  for (const [given, value] of pairs) {
    const field = fields.find(({ name }) => name.toLowerCase() === given.toLowerCase());
    if (field === undefined) throw unusable(file, `has a name in it that is none of ${namesOf(fields)}`);
    if (Object.hasOwn(named, field.name)) throw unusable(file, `names ${field.name} more than once`);
    named[field.name] = value;
  }
  return named;
}

function jsonPairs(file: PrivateFile, content: string): readonly (readonly [string, string])[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(content);
  } catch {
    throw unusable(file, 'is neither a JSON object nor lines of NAME=VALUE');
  }
  return Object.entries(parsed as Record<string, unknown>).map(([name, value]) => {
    if (typeof value !== 'string') throw unusable(file, 'has a value in it that is no text');
    return [name, value] as const;
  });
}

/** Empty lines and lines that begin with # say nothing. A value is what follows the first =, in quotes or not. */
function linePairs(file: PrivateFile, content: string): readonly (readonly [string, string])[] {
  return content.split(/\r?\n/).flatMap((line, index) => {
    if (/^\s*(?:#|$)/.test(line)) return [];
    const pair = /^\s*(?:export\s+)?([\w.-]+)\s*=\s*(.*?)\s*$/.exec(line);
    const [, name, value = ''] = pair ?? [];
    if (name === undefined) throw unusable(file, `has no NAME=VALUE in line ${index + 1}`);
    return [[name, /^(["'])(.*)\1$/.exec(value)?.[2] ?? value] as const];
  });
}

const namesOf = (fields: readonly BrokerField[]): string => fields.map(({ name }) => name).join(', ');

/** `--set name=value`, each once. Throws UsageError. */
export function settingsFrom(given: readonly string[]): Texts {
  const settings: Record<string, string> = {};
  for (const one of given) {
    const [, name, value] = /^([\w.]+)=(.*)$/.exec(one) ?? [];
    if (name === undefined || value === undefined) throw new UsageError('--set takes NAME=VALUE.');
    if (Object.hasOwn(settings, name)) throw new UsageError(`--set names ${name} more than once.`);
    settings[name] = value;
  }
  return settings;
}

/** What each broker asks for, for the help. */
export const brokersInWords = (brokers: readonly BrokerDefinition[]): string =>
  [
    'Brokers, with what each asks for:',
    ...brokers.map(({ id, label, modes, fields }) => {
      const of = (kind: BrokerField['kind']): readonly BrokerField[] =>
        fields.filter((field) => field.kind === kind);
      const list = (some: readonly BrokerField[]): string =>
        some
          .map(({ name, options, optional }) => {
            const values = options === undefined ? '' : ` (${options.join(', ')})`;
            return `${name}${values}${optional === true ? ', optional' : ''}`;
          })
          .join('; ');
      return [
        `  ${id}: ${label}; ${modes.join(' or ')}`,
        ...(of('credential').length > 0 ? [`    credentials: ${list(of('credential'))}`] : []),
        ...(of('setting').length > 0 ? [`    --set: ${list(of('setting'))}`] : []),
      ].join('\n');
    }),
  ].join('\n');

/** Throws RefusedError, with the nearest name. */
export function brokerNamed(brokers: readonly BrokerDefinition[], id: string): BrokerDefinition {
  const found = brokerOf({ brokers }, id);
  if (!found.ok) throw new RefusedError(found.error);
  return found.value;
}
