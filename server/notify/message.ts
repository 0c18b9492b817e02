/** One thing to tell the owner, and how it reads: plain words, a link, an id, and never something to act with. */
import { randomBytes } from 'node:crypto';
import { excerpt, printable } from '#domain/refusal.ts';
import { NOTIFY_BODY_LENGTH_MAX, NOTIFY_QUOTE_LENGTH_MAX, NOTIFY_TITLE_LENGTH_MAX } from '#limits.ts';
import type { MessageKind } from './kinds.ts';

export interface Message {
  /** The same with every try, so that whoever gets it twice can tell. */
  readonly id: string;
  readonly kind: MessageKind;
  /** What it is about: an order, an approval, an agent. */
  readonly subject: string | null;
  readonly title: string;
  /** Lines of plain text. */
  readonly body: string;
  /** Of the console's page that shows it. */
  readonly path: string | null;
  readonly urgent: boolean;
  readonly createdAtMs: number;
}

export const newMessageId = (): string => `msg_${randomBytes(12).toString('base64url')}`;

/** A message as a channel sends it. */
export interface Letter extends Message {
  /** Of the console's page; null where there is none to name. */
  readonly url: string | null;
}

/** One line, without anything that could end it, steer who shows it, or be longer than it may. */
export const titleText = (text: string): string => excerpt(text, NOTIFY_TITLE_LENGTH_MAX);

/** Lines, each printable. */
export function bodyText(lines: readonly string[]): string {
  const text = lines.map(printable).join('\n');
  return text.length <= NOTIFY_BODY_LENGTH_MAX
    ? text
    : `${text.slice(0, NOTIFY_BODY_LENGTH_MAX).toWellFormed()}…`;
}

/**
 * Words of an agent or a broker, said to be theirs. Programs make links of whatever looks like one, and a link in a message of the
 * gateway would be taken for the gateway's, so theirs are taken apart.
 */
export function quoted(text: string): string {
  const harmless = printable(text)
    // As names of servers take them for dots too (RFC 3490, 3.1).
    .replaceAll(/[\u3002\uFF0E\uFF61]/g, '.')
    .replaceAll('://', ': //')
    .replaceAll(/(?<=[\p{L}\p{N}_-])\.(?=\p{L}{2})/gu, ' . ')
    // An address in numbers has more dots than a price.
    .replaceAll(/\d+(?:\.\d+){2,}/g, (numbers) => numbers.replaceAll('.', ' . '))
    // Names and commands of Telegram.
    .replaceAll(/[@\uFF20](?=\S)/g, '@ ')
    .replaceAll(/(?<![\p{L}\p{N}/])\/(?=[\p{L}\p{N}_])/gu, '/ ')
    .replaceAll(/["“”]/g, "'");
  return `“${excerpt(harmless, NOTIFY_QUOTE_LENGTH_MAX)}”`;
}

/** What a person reads where there is nothing but text. */
export function letterText({ body, url, id }: Letter): string {
  return [body, ...(url === null ? [] : ['', url]), '', `Portcullis, message ${id}`].join('\n');
}
