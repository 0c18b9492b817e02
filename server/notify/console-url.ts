/** What links in messages begin with: the console's address as the owner's phone reaches it. */
import { fieldError, type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import type { Settings } from '#store/settings.ts';
import { whyNoUrl } from './address.ts';

export interface ConsoleUrl {
  /** As the owner entered it; '' while it is the engine's own. */
  own(): string;
  /** undefined: there is none to name. */
  acting(): string | undefined;
  /** Gives what stood before and stands now. Inside a transaction. */
  set(text: string): Result<{ readonly before: string; readonly after: string }, Refusal>;
}

const CONSOLE_URL = 'notify:console_url';

/** `engineUrl`: where the engine itself is reached; undefined without HTTP. */
export function openConsoleUrl(rows: Settings, engineUrl: () => string | undefined): ConsoleUrl {
  const own = (): string => rows.get(CONSOLE_URL) ?? '';
  return {
    own,
    acting: () => own() || engineUrl(),
    set(text) {
      const given = text.trim();
      const why = given === '' ? undefined : whyNoOrigin(given);
      if (why !== undefined) {
        const errors = [fieldError('console_url', '', why)];
        return err(refuse('invalid_input', 'Nothing was saved; see the field.', { errors }));
      }
      const before = own();
      const after = given === '' ? '' : new URL(given).origin;
      if (after !== before) rows.set(CONSOLE_URL, after);
      return ok({ before, after });
    },
  };
}

/** A name or password in it would be in every message. */
function whyNoOrigin(text: string): string | undefined {
  const why = whyNoUrl(text);
  if (why !== undefined) return why;
  const { pathname, search, hash } = new URL(text);
  return pathname === '/' && search === '' && hash === ''
    ? undefined
    : 'must end after the host, such as https://gateway.example';
}
