/** The console in a real browser: signed in or not, at any width, in either theme, with or without scripts, and everything that went wrong. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll } from 'vitest';
import { OWNER_CLI } from '#domain/principal.ts';
import type { Clock } from '#ports.ts';
import { startChromium } from './chromium.ts';
import type { TestGateway } from './gateway.ts';

const SCREENSHOTS = join(import.meta.dirname, '../screenshots');
export const PHONE_WIDTH = 390;
export const DESK_WIDTH = 1_280;

export interface WindowOptions {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  /** Of a session; absent: signed out. */
  readonly token?: string;
  /** Default: DESK_WIDTH. */
  readonly width?: number;
  readonly theme?: 'light' | 'dark';
  readonly javaScript?: boolean;
}

/** A window of a browser that knows nothing of the others. */
export interface Window {
  readonly page: Page;
  readonly context: BrowserContext;
  /** What must not be: requests to elsewhere, breaches of the policy, errors of scripts and of the browser's console. */
  readonly trouble: readonly string[];
  /** Goes to a path of the console and waits until it stands. */
  open(path: string): Promise<void>;
  /** What axe finds, a line each; in another theme only the rules about colours can find something else. */
  accessibility(rules?: 'all' | 'colours'): Promise<readonly string[]>;
  /** Whether the page itself is wider than the window. */
  scrollsSideways(): Promise<boolean>;
  /** `test/screenshots/<name>.png`, of the whole page. */
  screenshot(name: string): Promise<void>;
  close(): Promise<void>;
}

/** One browser for a test file; call it at the file's top. */
export function useBrowser(): { window(options: WindowOptions): Promise<Window> } {
  let browser: Browser | undefined;
  beforeAll(async () => {
    browser = await startChromium();
  });
  afterAll(async () => browser?.close());
  return {
    async window(options) {
      if (browser === undefined) throw new Error('the browser has not started');
      return openWindow(browser, options);
    },
  };
}

/** The name of the session's cookie on loopback http. */
export const sessionCookie = (url: string): string => `portcullis-${new URL(url).port}-session`;

export const OWNER = { name: 'rosa', passphrase: 'four horses under the bridge' } as const;

/** Makes the gateway's owner, without a second factor, and a session of theirs. */
export async function signedIn(gate: TestGateway<Clock>): Promise<string> {
  const { owner } = gate.gateway.access;
  if (owner.record() === undefined) {
    const made = await owner.create({ ...OWNER, by: OWNER_CLI });
    if (!made.ok) throw new Error(made.error.detail);
  }
  return owner.openSession({ address: '127.0.0.1', userAgent: 'test' }).token;
}

/** Runs in the page before anything else; the types of browsers are not those of the gateway, so it is text. */
const TELL_VIOLATIONS = `
document.addEventListener('securitypolicyviolation', (event) => {
  const { violatedDirective, blockedURI, sample, sourceFile, lineNumber } = event;
  portcullisTrouble(['policy:', violatedDirective, blockedURI, sample, sourceFile, lineNumber].join(' '));
});`;

async function openWindow(browser: Browser, options: WindowOptions): Promise<Window> {
  const { url, token, width = DESK_WIDTH, theme = 'light', javaScript = true } = options;
  const context = await browser.newContext({
    baseURL: url,
    viewport: { width, height: width < 600 ? 844 : 800 },
    colorScheme: theme,
    // Without one, a bare machine's is "en-US@posix", which Intl refuses.
    locale: 'en-US',
    javaScriptEnabled: javaScript,
    // Of what moves, nothing is in a screenshot twice.
    reducedMotion: 'reduce',
  });
  if (token !== undefined)
    await context.addCookies([
      { name: sessionCookie(url), value: token, url, sameSite: 'Strict', httpOnly: true },
    ]);
  const trouble: string[] = [];
  await context.exposeBinding('portcullisTrouble', (_source, what: string) => void trouble.push(what));
  await context.addInitScript({ content: TELL_VIOLATIONS });
  const page = await context.newPage();
  watch(page, url, trouble);
  return {
    page,
    context,
    trouble,
    async open(path) {
      await page.goto(path, { waitUntil: 'load' });
    },
    async accessibility(rules = 'all') {
      // Our pages have no frames, for whose sake each analysis would open a window of its own.
      const axe = new AxeBuilder({ page }).setLegacyMode();
      const { violations } = await (rules === 'all'
        ? axe
        : axe.withRules(['color-contrast', 'link-in-text-block'])
      ).analyze();
      return violations.flatMap(({ id, nodes }) =>
        nodes.map((node) => `${id}: ${node.target.join(' ')} ${node.failureSummary ?? ''}`),
      );
    },
    scrollsSideways: () =>
      page.evaluate<boolean>('document.documentElement.scrollWidth > document.documentElement.clientWidth'),
    async screenshot(name) {
      mkdirSync(SCREENSHOTS, { recursive: true });
      await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), fullPage: true });
    },
    close: () => context.close(),
  };
}

function watch(page: Page, url: string, trouble: string[]): void {
  const { origin } = new URL(url);
  page.on('request', (request) => {
    const to = request.url();
    if (!to.startsWith(`${origin}/`) && !to.startsWith('data:')) trouble.push(`left the origin: ${to}`);
  });
  page.on('pageerror', (error) => trouble.push(`script: ${error.message}`));
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning')
      trouble.push(`console: ${message.text()} ${message.location().url}`);
  });
  page.on('dialog', (dialog) => {
    trouble.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
}
