/** The rules that settings keep: each takes the text of the environment and gives a value, or half a sentence. */
import { resolve } from 'node:path';
import { z } from 'zod';
import { parseRange } from '#access/address.ts';
import { parseRate } from '#access/rate.ts';
import { isDecimalText } from '#domain/decimal.ts';
import { PROJECT_FOLDER } from './project-folder.ts';

export const must = (rule: string) => ({ error: `must be ${rule}` });
export const flag = z
  .enum(['true', 'True', 'false', 'False'], must('true or false'))
  .transform((word) => word.toLowerCase() === 'true');
export const whole = (min: number, max: number) =>
  z
    .string()
    .refine(
      (digits) => /^(?:0|[1-9]\d{0,14})$/.test(digits) && Number(digits) >= min && Number(digits) <= max,
      must(`a whole number from ${min} to ${max}`),
    )
    .transform(Number);
const listOf = (holds: (item: string) => boolean, rule: string) =>
  z
    .string()
    .transform((text) => text.split(',').map((item) => item.trim()))
    .transform((items) => (items.length === 1 && items[0] === '' ? [] : items))
    .refine((items) => items.every(holds), must(`a list of ${rule}, separated by commas`));
export const rate = z
  .string()
  .refine((text) => parseRate(text).ok, must('a rate such as "60 per minute" (second, minute or hour)'))
  .transform((text) => {
    const parsed = parseRate(text);
    if (!parsed.ok) throw new Error(parsed.error);
    return parsed.value;
  });
/** A path; relative ones start at the project folder. */
export const path = z
  .string()
  .min(1, must('a path'))
  .transform((given) => resolve(PROJECT_FOLDER, given));
const originOf = (text: string): URL | undefined => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url && `${url.origin}/` === url.href && !text.includes('?') && !text.includes('#') ? url : undefined;
};
export const LOOPBACK_NAME = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\]|::1)$/;
const HOST_NAME = /^(?:\[[0-9a-f:.]+\]|[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?)(?::\d{1,5})?$/i;
const isZone = (name: string): boolean => {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
};

export const addresses = listOf((item) => parseRange(item).ok, 'addresses or ranges such as 10.0.0.0/8');
export const hosts = listOf((item) => HOST_NAME.test(item), 'host names, with or without a port');
export const origins = listOf((item) => originOf(item)?.origin === item, 'origins such as https://claude.ai');
export const zone = z.string().refine(isZone, must('an IANA time zone such as Europe/Berlin'));
/** Remote clients are served over TLS; plain HTTP is for tests and tunnels on this machine. */
export const publicOrigin = z
  .string()
  .refine((text) => {
    if (text === '') return true;
    const url = originOf(text);
    return url?.protocol === 'https:' || (url?.protocol === 'http:' && LOOPBACK_NAME.test(url.hostname));
  }, must('an https origin such as https://gate.example.com, without a path, or http on a loopback host'))
  .transform((text) => (text === '' ? undefined : new URL(text)));
export const tapeFile = z
  .string()
  .min(1, must('sample or the path of a CSV file'))
  .transform((given) => (given === 'sample' ? given : resolve(PROJECT_FOLDER, given)));
export const seconds = z
  .string()
  .refine(
    (text) => /^\d{1,5}(?:\.\d{1,3})?$/.test(text) && Number(text) >= 0.02 && Number(text) <= 86_400,
    must('a number of seconds from 0.02 to 86400'),
  )
  .transform(Number);
export const amount = z
  .string()
  .refine(
    (text) => isDecimalText(text) && !text.startsWith('-'),
    must('an amount such as 100000 or 2500.50'),
  );
