/** Forms of the console: what they sent, and the proof that it was our own page that sent it. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { FormValues } from '#console/define.ts';
import { FORM_BYTES_MAX, FORM_FIELDS_MAX } from '#limits.ts';

/** Fields that the mount reads itself; a page never sees them. */
export const FORM_TOKEN = '_token';
export const FORM_CODE = '_code';

/** Never stand in a page again, whatever went wrong. */
const SECRET_FIELD = /passphrase|password|code|secret/;

/** Bound to a cookie that no script reads: who can not read the page can not know it, and it can not be turned back. */
export const formToken = (cookie: string): string =>
  createHash('sha256').update(`form ${cookie}`).digest('base64url');

/**
 * Three answers to one question: what browsers say of where a request comes from (Fetch Metadata, Origin) and a token that only
 * our own pages carry. None is left out: a page on another port of this machine is same-site and can plant a visitor's cookie,
 * whose token it then knows, and a client that is no browser names no origin. The cookie itself is SameSite=Strict.
 */
export function isOwnForm(request: FastifyRequest, cookie: string | undefined, origin: string): boolean {
  const site = request.headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin') return false;
  if (request.headers.origin !== undefined && request.headers.origin !== origin) return false;
  const given = rawFields(request)[FORM_TOKEN];
  if (cookie === undefined || typeof given !== 'string') return false;
  const [a, b] = [Buffer.from(given), Buffer.from(formToken(cookie))];
  return a.length === b.length && timingSafeEqual(a, b);
}

/**
 * What a page of elsewhere takes in (an image, a script, a frame, a call) and does not go to. On loopback a page of another port
 * brings the owner's cookies with it, because cookies do not know ports: it could keep a session alive, or the gateway busy.
 */
export function isTakenInElsewhere({ headers, method }: FastifyRequest): boolean {
  const site = headers['sec-fetch-site'];
  if (method !== 'GET' || site === undefined || site === 'same-origin' || site === 'none') return false;
  return headers['sec-fetch-mode'] !== 'navigate' || headers['sec-fetch-dest'] !== 'document';
}

/** The body as `application/x-www-form-urlencoded`; undefined when no form of ours has so many fields, or such a name. */
export function parseForm(text: string): FormValues | undefined {
  const parsed = new URLSearchParams(text);
  if (parsed.size > FORM_FIELDS_MAX || parsed.has('__proto__')) return undefined;
  const values: Record<string, string | readonly string[]> = Object.create(null) as Record<string, string>;
  for (const name of new Set(parsed.keys())) {
    const [only = '', ...more] = parsed.getAll(name);
    values[name] = more.length === 0 ? only : [only, ...more];
  }
  return values;
}

/** A scope of pages takes forms of its own and no other body. */
export function takeForms(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string', bodyLimit: FORM_BYTES_MAX },
    (_request, body, done) => {
      const values = parseForm(String(body));
      if (values === undefined) done(Object.assign(new Error('no form of ours'), { statusCode: 400 }));
      else done(null, values);
    },
  );
}

const rawFields = (request: FastifyRequest): FormValues => (request.body ?? {}) as FormValues;

/** What the page's own form sent. */
export function formValues(request: FastifyRequest): FormValues {
  const entries = Object.entries(rawFields(request)).filter(([name]) => !name.startsWith('_'));
  return Object.fromEntries(entries);
}
export function formCode(request: FastifyRequest): string | undefined {
  const code = rawFields(request)[FORM_CODE];
  return typeof code === 'string' && code !== '' ? code.trim() : undefined;
}

/** What may stand in the form again. */
export const shownValues = (values: FormValues): FormValues =>
  Object.fromEntries(Object.entries(values).filter(([name]) => !SECRET_FIELD.test(name)));
