/** Kite's clock: times in India without a zone, and a session that ends at six in the morning. India keeps one offset all year. */

const AHEAD_MS = 19_800_000;
const DAY_MS = 86_400_000;
const SESSION_ENDS_MS = 6 * 3_600_000;
const STAMP = /^(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2}:\d{2})(?:\+05:?30)?$/;

/** Epoch ms of `YYYY-MM-DD HH:mm:ss`, as a candle writes it (`…T…+0530`) too; undefined: it is not one. */
export function fromIst(stamp: string): number | undefined {
  const [, date, time] = STAMP.exec(stamp) ?? [];
  const ms = date === undefined ? Number.NaN : Date.parse(`${date}T${time}+05:30`);
  return Number.isNaN(ms) ? undefined : ms;
}

/** `YYYY-MM-DD HH:mm:ss`. */
export const toIst = (ms: number): string =>
  new Date(ms + AHEAD_MS).toISOString().slice(0, 19).replace('T', ' ');
export const istDate = (ms: number): string => toIst(ms).slice(0, 10);

/** Kite ends every session around six in the morning of India, whenever it began; it may take a little longer, never less. */
export function sessionEndAfter(ms: number): number {
  const local = ms + AHEAD_MS - SESSION_ENDS_MS;
  return Math.floor(local / DAY_MS) * DAY_MS + DAY_MS + SESSION_ENDS_MS - AHEAD_MS;
}
