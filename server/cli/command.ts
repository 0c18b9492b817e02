/** What a command is: its words, its options, and one function a verb; help and parsing follow from the definition. */
import type { ParseArgsOptionDescriptor } from 'node:util';
import type { Config } from '#config.ts';
import type { Refusal } from '#domain/refusal.ts';
import type { Clock } from '#ports.ts';
import { mayWiden, type OwnerAct } from './act.ts';

/** Where a command's words go; both strip what could steer a terminal. */
export interface Terminal {
  /** Standard output, a line. */
  say(line: string): void;
  /** Standard error, a line. */
  warn(line: string): void;
  /** Standard output is a terminal: neither a file nor a pipe nor a journal keeps what is said. */
  readonly isTty: boolean;
}

export interface Invocation {
  /** As many as the verb names. */
  readonly words: readonly string[];
  text(option: string): string | undefined;
  /** Of one that may be given several times, in their order. */
  texts(option: string): readonly string[];
  flag(option: string): boolean;
  readonly terminal: Terminal;
  readonly clock: Clock;
  /** Read at the first use; throws ConfigError. */
  readonly config: () => Config;
}

export interface Option extends Pick<ParseArgsOptionDescriptor, 'type'> {
  /** It may be given several times. */
  readonly multiple?: true;
  /** What the value is called in the help: FILE. */
  readonly value?: string;
  readonly about: string;
}

export interface Verb {
  readonly summary: string;
  /** Names of the words that must follow: AGENT. */
  readonly words?: readonly string[];
  readonly options?: Readonly<Record<string, Option>>;
  /** What its help ends with. */
  readonly notes?: () => string;
  /** What it asks of the engine; one that widens brings the options of the owner's proof with it. */
  readonly act?: OwnerAct;
  /** Exit code: 0 done, 1 failed. */
  run(invocation: Invocation): Promise<number> | number;
}

export interface Command {
  readonly name: string;
  readonly summary: string;
  /** Under the name of the second word; a command of one word has the verb ''. */
  readonly verbs: Readonly<Record<string, Verb>>;
}

export const defineCommand = (command: Command): Command => command;

/** The command was not understood: exit 2. */
export class UsageError extends Error {}
/** It could not be done, in one sentence: exit 1. */
export class CommandError extends Error {}
/** The gateway refused it: exit 1. */
export class RefusedError extends Error {
  readonly refusal: Refusal;
  constructor(refusal: Refusal) {
    super(refusal.detail);
    this.refusal = refusal;
  }
}

/** `--json`, for every verb that prints something a program may read. */
export const JSON_OPTION = { json: { type: 'boolean', about: 'print JSON' } } as const;

/** The owner's proof, of every verb whose act widens. */
export const PROOF_OPTIONS = {
  'password-file': {
    type: 'string',
    value: 'FILE',
    about: "file with the owner's passphrase, once there is an owner (a terminal asks for it otherwise)",
  },
  totp: {
    type: 'string',
    value: 'CODE',
    about: 'code of your authenticator app, where one is enrolled (a terminal asks for it otherwise)',
  },
} as const;

export const optionsOf = ({ options = {}, act }: Verb): Readonly<Record<string, Option>> =>
  act !== undefined && mayWiden(act) ? { ...options, ...PROOF_OPTIONS } : options;
