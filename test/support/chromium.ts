/** Which real browser the tests drive: CHROMIUM_PATH, or the one inside an npm package, unpacked once a machine. */
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import chromium from '@sparticuz/chromium';
import { type Browser, chromium as driver } from 'playwright-core';

/** Of the package's flags those that would take away what is tested here, or that only its own hosts need. */
const LEFT_OUT =
  /^--(?:disable-web-security|allow-running-insecure-content|single-process|no-zygote|headless)/;

/** Unpacked beside and moved into place: another process never starts a file that is half there. */
async function unpacked(): Promise<string> {
  const entry = fileURLToPath(import.meta.resolve('@sparticuz/chromium'));
  const { version } = JSON.parse(readFileSync(join(dirname(entry), '../package.json'), 'utf8')) as {
    version: string;
  };
  const temporary = tmpdir();
  const folder = join(temporary, `portcullis-chromium-${version}`);
  const program = join(folder, 'chromium');
  if (existsSync(program)) return program;
  const beside = mkdtempSync(join(temporary, 'portcullis-unpack-'));
  const before = process.env['TMPDIR'];
  process.env['TMPDIR'] = beside;
  try {
    await chromium.executablePath();
  } finally {
    if (before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = before;
  }
  try {
    renameSync(beside, folder);
  } catch {
    // Somebody else was faster.
    rmSync(beside, { recursive: true, force: true });
  }
  return program;
}

export async function startChromium(): Promise<Browser> {
  const given = process.env['CHROMIUM_PATH'];
  if (given !== undefined && given !== '') return driver.launch({ executablePath: given });
  const program = await unpacked();
  return driver.launch({
    executablePath: program,
    args: [...chromium.args.filter((flag) => !LEFT_OUT.test(flag)), '--disable-background-networking'],
    env: { ...process.env, FONTCONFIG_PATH: join(dirname(program), 'fonts') },
  });
}
