/** Reading what a venue said in its own words, without trusting its shape. */

export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Every text under that key, however deep and however listed. */
export function textsIn(value: unknown, key: string, depthLeft = 6): readonly string[] {
  if (depthLeft === 0) return [];
  if (Array.isArray(value)) return value.flatMap((one) => textsIn(one, key, depthLeft - 1));
  if (!isRecord(value)) return [];
  return Object.entries(value).flatMap(([name, found]) =>
    name === key
      ? [found].flat().filter((one) => typeof one === 'string')
      : textsIn(found, key, depthLeft - 1),
  );
}

/** What stands at a path of keys, as text; undefined for anything else. */
export function textAt(value: unknown, ...path: readonly string[]): string | undefined {
  let found = value;
  for (const key of path) found = isRecord(found) ? found[key] : undefined;
  return typeof found === 'string' ? found : undefined;
}
