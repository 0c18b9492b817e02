/** Addresses of resources: `portcullis://` and segments, one spelling for each thing, everything else refused. */
import { type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import { RESOURCE_URI_LENGTH_MAX } from '#limits.ts';

export const RESOURCE_SCHEME = 'portcullis://';

/** Segments of an address, decoded; of a template, some are `{variable}`. */
export type Segments = readonly string[];

export const segmentsOfTemplate = (template: string): Segments =>
  template.slice(RESOURCE_SCHEME.length).split('/');

/**
 * Subscriptions compare addresses letter by letter, so each thing has exactly one: segments as encodeURIComponent writes
 * them (RFC 3986, section 2), a slash inside a symbol as %2F, no query, no fragment, no empty segment.
 */
export function segmentsOfUri(uri: string): Result<Segments, Refusal> {
  if (uri.length > RESOURCE_URI_LENGTH_MAX || !uri.startsWith(RESOURCE_SCHEME)) return err(notAResource());
  // Half a character can be written in JSON and in no address.
  if (!uri.isWellFormed()) return err(notAResource());
  const segments: string[] = [];
  for (const written of uri.slice(RESOURCE_SCHEME.length).split('/')) {
    const segment = decoded(written);
    if (segment === undefined || segment === '') return err(notAResource());
    segments.push(segment);
  }
  const canonical = uriOf(segments);
  if (canonical === uri) return ok(segments);
  return err(misspelt(canonical));
}

export const uriOf = (segments: Segments): string =>
  RESOURCE_SCHEME + segments.map(encodeURIComponent).join('/');

/** Fills a template; undefined when a variable has no value. */
export function expand(template: Segments, values: Readonly<Record<string, string>>): string | undefined {
  const segments: string[] = [];
  for (const segment of template) {
    const name = variableOf(segment);
    const value = name === undefined ? segment : values[name];
    if (value === undefined) return undefined;
    segments.push(value);
  }
  return uriOf(segments);
}

/** The values of a template's variables; undefined when the address is not of this form. */
export function match(template: Segments, uri: Segments): Readonly<Record<string, string>> | undefined {
  if (template.length !== uri.length) return undefined;
  const values: Record<string, string> = {};
  for (const [at, segment] of template.entries()) {
    const given = uri[at] ?? '';
    const name = variableOf(segment);
    if (name !== undefined) values[name] = given;
    else if (segment !== given) return undefined;
  }
  return values;
}

export const variableOf = (segment: string): string | undefined => /^\{(\w+)\}$/.exec(segment)?.[1];

export const misspelt = (canonical: string): Refusal =>
  refuse('invalid_input', `Write the address as ${canonical}: every part percent-encoded, a slash as %2F.`, {
    did_you_mean: [canonical],
  });

export const notAResource = (): Refusal =>
  refuse(
    'not_found',
    'There is no resource at this address; resources/list and resources/templates/list name them.',
  );

function decoded(written: string): string | undefined {
  try {
    return decodeURIComponent(written);
  } catch {
    return undefined;
  }
}
