/** What was asked for or shown, as one short string: another word of it is another string. */
import { createHash } from 'node:crypto';
import { canonicalJson, type JsonValue } from '#audit/line.ts';

/** Decimals write themselves as text; a field that is undefined is one that is not there. */
export const digestOf = (asked: object): string =>
  createHash('sha256')
    .update(canonicalJson(JSON.parse(JSON.stringify(asked)) as JsonValue))
    .digest('hex');
