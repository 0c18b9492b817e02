/** Cursors: opaque to the caller, checked when they come back. Records go by their sequence, bars by run and time, quotes by the count of their changes. */
import { fieldError, type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';

const encode = (plain: string): string => Buffer.from(plain, 'utf8').toString('base64url');
const decode = (cursor: string): string => Buffer.from(cursor, 'base64url').toString('utf8');

export const seqCursor = (seq: number): string => encode(`seq:${seq}`);

/** The sequence to continue below; undefined on the first page. */
export function seqOf(cursor: string | undefined): Result<number | undefined, Refusal> {
  if (cursor === undefined) return ok(undefined);
  const digits = /^seq:(\d{1,15})$/.exec(decode(cursor))?.[1];
  return digits === undefined ? err(badCursor(cursor)) : ok(Number(digits));
}

/** Where a page of bars goes on: forwards from a time, or backwards below it. */
export interface BarsCursor {
  /** Of the tape: bars are those of one run, so its cursors end with it. */
  readonly run: number;
  readonly direction: 'from' | 'before';
  /** Market clock, epoch ms. */
  readonly ms: number;
}

export const barsCursor = (at: BarsCursor): string => encode(`bars:${at.run}:${at.direction}:${at.ms}`);

export function barsCursorOf(cursor: string | undefined): Result<BarsCursor | undefined, Refusal> {
  if (cursor === undefined) return ok(undefined);
  const parts = /^bars:(\d{1,9}):(from|before):(-?\d{1,15})$/.exec(decode(cursor));
  if (parts === null) return err(badCursor(cursor));
  const direction = parts[2] === 'from' ? 'from' : 'before';
  return ok({ run: Number(parts[1]), direction, ms: Number(parts[3]) });
}

/** Where watching goes on: a place among the changes that one process counted, and a digest of what is watched. */
export interface WatchCursor {
  readonly source: string;
  readonly at: number;
  readonly about: string;
}

export const watchCursor = ({ source, at, about }: WatchCursor): string =>
  encode(`watch:${source}:${at}:${about}`);

export function watchCursorOf(cursor: string | undefined): Result<WatchCursor | undefined, Refusal> {
  if (cursor === undefined) return ok(undefined);
  const [, source = '', at, about = ''] =
    /^watch:([\w-]{1,20}):(\d{1,15}):([\w-]{1,20})$/.exec(decode(cursor)) ?? [];
  return at === undefined
    ? err(badCursor(cursor, 'next_cursor of the call before, unchanged'))
    : ok({ source, at: Number(at), about });
}

export function badCursor(cursor: string, why = 'next_cursor of the page before, unchanged'): Refusal {
  return refuse('invalid_input', `The cursor can not be followed: ${why}. Start again without one.`, {
    errors: [fieldError('cursor', cursor, `${why}; leave it out to start again`)],
  });
}
