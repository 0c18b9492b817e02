// The page at /docs is for everybody: landmarks, headings, labels, tables that say what is in them, colours that can be read.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { docsPage } from '#http/docs-page.ts';
import { openViews } from '#http/views.ts';
import type { Tool } from '#tools/define.ts';
import { TOOLS } from '#tools/index.ts';
import { openTestGateway, type TestGateway } from '../support/gateway.ts';
import { send } from '../support/raw-http.ts';

const CSS = readFileSync(join(import.meta.dirname, '../../views/static/page.css'), 'utf8');
const EMPTY_ELEMENTS = new Set(['meta', 'link', 'img', 'input', 'br', 'hr']);

interface Element {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  /** Names of the elements around it, outermost first. */
  readonly inside: readonly string[];
}

/** Throws where an element is closed that is not open, or left open. */
function elementsOf(html: string): readonly Element[] {
  const open: string[] = [];
  const elements: Element[] = [];
  for (const [, close, name = '', text = ''] of html.matchAll(
    /<(\/?)([a-z][a-z0-9]*)((?:\s+[a-z-]+(?:="[^"]*")?)*)\s*>/g,
  )) {
    if (close === '/') {
      const last = open.pop();
      if (last !== name) throw new Error(`</${name}> closes <${last}>`);
      continue;
    }
    const attributes = new Map(
      [...text.matchAll(/([a-z-]+)(?:="([^"]*)")?/g)].map(([, key = '', value = '']) => [key, value]),
    );
    elements.push({ name, attributes, inside: [...open] });
    if (!EMPTY_ELEMENTS.has(name)) open.push(name);
  }
  if (open.length > 0) throw new Error(`left open: ${open.join(' ')}`);
  return elements;
}

let gate: TestGateway;
let html: string;
let elements: readonly Element[];
beforeAll(async () => {
  gate = await openTestGateway();
  const answer = await send({
    port: Number(new URL(gate.url).port),
    path: '/docs',
    headers: { host: new URL(gate.url).host, accept: 'text/html' },
  });
  html = answer.text;
  elements = elementsOf(html);
});
afterAll(() => gate.close());

const named = (...names: readonly string[]): readonly Element[] =>
  elements.filter(({ name }) => names.includes(name));
const of = (element: Element, attribute: string): string => element.attributes.get(attribute) ?? '';

describe('the page', () => {
  test('is read to the last tag', () => {
    const tags = html.match(/<[a-z/]/g)?.length ?? 0;
    const closed = elements.filter(({ name }) => !EMPTY_ELEMENTS.has(name)).length;
    expect(elements.length + closed).toBe(tags);
    expect(() => elementsOf('<p><b></p></b>')).toThrow('closes');
    expect(() => elementsOf('<p>')).toThrow('left open');
  });

  test('says its language, its title, and that it fits a phone', () => {
    expect(named('html').map((one) => of(one, 'lang'))).toEqual(['en']);
    expect(html).toMatch(/<title>[^<]{10,60}<\/title>/);
    expect(html).toContain('name="viewport" content="width=device-width, initial-scale=1"');
  });

  test('has one main part, a way to skip to it, and a name for each navigation', () => {
    expect(named('main').map((one) => of(one, 'id'))).toEqual(['main']);
    expect(html).toMatch(/<body>\s*<a class="skip" href="#main">/);
    const names = named('nav').map((one) => of(one, 'aria-label'));
    expect(names).not.toContain('');
    expect(new Set(names).size).toBe(names.length);
  });

  test('has headings that begin at one and leave no level out', () => {
    const levels = elements.flatMap(({ name }) => (/^h[1-6]$/.test(name) ? [Number(name[1])] : []));
    expect(levels.filter((level) => level === 1)).toHaveLength(1);
    expect(levels[0]).toBe(1);
    const jumps = levels.filter((level, at) => level > (levels[at - 1] ?? 0) + 1);
    expect(jumps).toEqual([]);
  });

  test('has no id twice, and refers only to ids that there are', () => {
    const ids = elements.flatMap(({ attributes }) => attributes.get('id') ?? []);
    expect(ids.filter((id, at) => ids.indexOf(id) !== at)).toEqual([]);
    const references = elements.flatMap(({ attributes }) =>
      ['for', 'aria-labelledby', 'aria-describedby'].flatMap((key) => attributes.get(key)?.split(' ') ?? []),
    );
    expect(references.length).toBeGreaterThan(60);
    expect(references.filter((id) => !ids.includes(id))).toEqual([]);
  });

  test('labels every input, and gives every button words', () => {
    const labelled = named('label').map((one) => of(one, 'for'));
    const inputs = named('input').map((one) => of(one, 'id'));
    expect(inputs.length).toBeGreaterThan(30);
    expect(inputs.filter((id) => !labelled.includes(id))).toEqual([]);
    expect([...html.matchAll(/<button[^>]*>([^<]*)</g)].map(([, words]) => words)).not.toContain('');
    for (const image of named('img')) expect(image.attributes.has('alt')).toBe(true);
  });

  test('has a caption and heads with a scope in every table, which can be scrolled by keyboard', () => {
    const tables = named('table');
    expect(tables.length).toBeGreaterThan(50);
    expect(named('caption')).toHaveLength(tables.length);
    expect(named('th').filter((one) => !['row', 'col'].includes(of(one, 'scope')))).toEqual([]);
    for (const { inside } of tables) expect(inside).toContain('div');
    const regions = named('div').filter((one) => of(one, 'class') === 'scroll');
    expect(regions).toHaveLength(tables.length);
    for (const region of regions)
      expect([of(region, 'role'), of(region, 'tabindex'), of(region, 'aria-labelledby') !== '']).toEqual([
        'region',
        '0',
        true,
      ]);
  });

  test('shows what needs a script only when there is one', () => {
    for (const one of elements)
      if (one.attributes.has('data-script')) expect(one.attributes.has('hidden')).toBe(true);
    const forms = named('form');
    expect(forms.length).toBeGreaterThan(10);
    for (const form of forms) expect(form.attributes.has('data-script')).toBe(true);
    // A key is typed like a password, and never part of an address.
    const key = named('input').find((one) => of(one, 'id') === 'key');
    expect(key && [of(key, 'type'), of(key, 'autocomplete'), of(key, 'name')]).toEqual([
      'password',
      'off',
      '',
    ]);
  });
});

describe('the colours', () => {
  /** WCAG 2.2, relative luminance of `#rrggbb`. */
  function luminance(colour: string): number {
    const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
      const part = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  }
  const contrast = (one: string, other: string): number => {
    const [dark = 0, light = 0] = [luminance(one), luminance(other)].toSorted((a, b) => a - b);
    return (light + 0.05) / (dark + 0.05);
  };
  const coloursIn = (block: string): Readonly<Record<string, string>> =>
    Object.fromEntries(
      [...block.matchAll(/--([\w-]+): (#[0-9a-f]{6});/g)].map(([, name, value]) => [name, value]),
    );
  const [light = '', dark = ''] = [...CSS.matchAll(/:root \{([^}]*)\}/g)].map(([, block]) => block);

  test.each([
    ['light', coloursIn(light)],
    ['dark', coloursIn(dark)],
  ])('of the %s page can be read: at least 4.5 to 1', (_, colours) => {
    const { ground = '', raised = '', text = '', quiet = '', link = '', mark = '' } = colours;
    for (const front of [text, quiet, link])
      for (const back of [ground, raised]) expect(contrast(front, back)).toBeGreaterThanOrEqual(4.5);
    expect(contrast(colours['on-mark'] ?? '', mark)).toBeGreaterThanOrEqual(4.5);
    expect(contrast('#000000', '#ffffff')).toBeCloseTo(21);
  });

  test('are named once: no rule has a colour of its own', () => {
    const rules = CSS.replaceAll(/:root \{[^}]*\}/g, '');
    expect(rules).not.toMatch(/#[0-9a-f]{3,8}\b|rgb|hsl/i);
  });

  test('leave the focus to be seen', () => {
    expect(CSS).toMatch(/:focus-visible \{\s*outline: 2px solid/);
    expect(CSS).not.toMatch(/outline: (?:0|none)/);
  });
});

test('what a tool says of itself stays text', () => {
  const [tool] = TOOLS;
  if (tool === undefined) throw new Error('no tools');
  const markup = `"><script>alert('1')</script><img src=x onerror=alert(2)>{{ version }}`;
  const hostile: Tool = {
    ...tool,
    title: markup,
    description: markup,
    example: { prompt: markup, arguments: { query: markup } },
  };
  const text = openViews().render('docs.html', docsPage([hostile], markup, markup));
  expect(text).not.toMatch(/<script>|<img src=x/);
  expect(text.match(/&lt;script&gt;/g)?.length).toBeGreaterThan(6);
  expect(() => elementsOf(text)).not.toThrow();
  expect(elementsOf(text).filter(({ attributes }) => attributes.has('onerror'))).toEqual([]);
});
