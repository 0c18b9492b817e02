/** What a page of the console is: where it stands, what it shows, and what its forms do; doors and templates follow from it. */
import type { z } from 'zod';
import type { Session, Visitor } from '#access/owner.ts';
import type { Owner } from '#domain/principal.ts';
import { fieldError, type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import { FIELD_ERRORS_MAX } from '#limits.ts';
import type { ConsoleServices } from './desks.ts';

/** What a form sent, by the names of its fields; a field that came more than once is a list. */
export type FormValues = Readonly<Record<string, string | readonly string[]>>;

interface AnyVisit {
  readonly services: ConsoleServices;
  /** Parameters of the path (`:order_id`). */
  readonly params: Readonly<Record<string, string>>;
  /** The last one of each name. */
  readonly query: Readonly<Record<string, string>>;
  /** `http://127.0.0.1:7800`, as the browser names it. */
  readonly origin: string;
  readonly visitor: Visitor;
}
/** The owner, signed in. */
export interface OwnerVisit extends AnyVisit {
  readonly owner: Owner;
  readonly session: Session;
}
/** Somebody who has not signed in; `ticket` is what a one-time link gave this browser. */
export interface GuestVisit extends AnyVisit {
  readonly ticket: string | undefined;
  /** The owner came to an entrance. */
  readonly signedIn: boolean;
}

/** What a template finds under `page`. */
export type PageData = Readonly<Record<string, unknown>>;

/** What is said once on the next page: that something was done, or that it was not. */
export type Notice = string | { readonly warning: string };

/** What became of a form. */
export type Outcome =
  /** Done: the browser goes on to `to`, where `notice` is shown once. */
  | { readonly kind: 'go'; readonly to: string; readonly notice?: Notice }
  /** Done, and what it gave can be shown once only (a new key): the page again, with this beside what `load` gives. */
  | { readonly kind: 'show'; readonly data: PageData }
  /** Not done: the page again, with what was entered and why. */
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  /** The browser goes on to a page of somebody else's, which the page names in case it does not. */
  | { readonly kind: 'leave'; readonly to: string }
  /** The session of this browser has ended. */
  | { readonly kind: 'signed_out'; readonly to: string };

/** What becomes of the browser's own keys at an entrance. */
export type EntranceOutcome =
  | Outcome
  | { readonly kind: 'ticket'; readonly ticket: string; readonly expiresAtMs: number; readonly to: string }
  | {
      readonly kind: 'signed_in';
      readonly token: string;
      readonly deviceToken?: string;
      readonly to: string;
      readonly notice?: string;
    };

export const go = (to: string, notice?: Notice): Outcome => ({
  kind: 'go',
  to,
  ...(notice === undefined ? {} : { notice }),
});
export const show = (data: PageData): Outcome => ({ kind: 'show', data });
export const refused = (refusal: Refusal): Outcome => ({ kind: 'refused', refusal });

/**
 * How fresh the owner's second factor must be: `recent` asks for a code when the last one is older than STEP_UP_TTL_MS, `now`
 * with every send. Without TOTP the passphrase takes its place.
 */
export type Proof = 'none' | 'recent' | 'now';

export interface ActionOf<V, O> {
  /** Its form has the field of the code itself: a page that asks for one would have to carry the secrets of the form. */
  readonly provesItself: boolean;
  proof(visit: V, values: FormValues): Proof;
  /** Why it would be refused whatever the proof; undefined: nothing is known against it yet. It changes nothing. */
  check(visit: V, values: FormValues): Refusal | undefined;
  /** What the proof is for, in a line; undefined: the page's title says it. */
  proves(visit: V, values: FormValues): string | undefined;
  /** `proved`: what `proof` asked for and was given. */
  run(visit: V, values: FormValues, proved: Proof): Promise<O>;
}

/** A form's fields as they must be, and what sending it does. */
export interface ActionDefinition<V, O, I extends z.ZodType> {
  readonly input: I;
  /** Of what the page is about, or of what is asked for, where that decides: a looser limit takes more than a tighter one. */
  readonly proof?: Proof | ((visit: V, input: z.output<I>) => Proof);
  readonly provesItself?: true;
  /** Looked at before a proof is asked for, so that nobody types a code for what is refused anyway; it must change nothing. */
  check?(visit: V, input: z.output<I>): Result<unknown, Refusal>;
  /** Who proves something reads what it is for: `Approve buy 9 SPX at market in paper`. */
  proves?(visit: V, input: z.output<I>): string | undefined;
  /** `proved`: what was asked for and given; where what is in force decides, it may have changed since. */
  run(visit: V, input: z.output<I>, proved: Proof): Promise<O> | O;
}

/** Topics that change what a page shows; see http/console-events.ts. */
export const LIVE_TOPICS = [
  'state',
  'orders',
  'positions',
  'quotes',
  'agents',
  'accounts',
  'remote',
  'audit',
] as const;
export type LiveTopic = (typeof LIVE_TOPICS)[number];

export interface NavEntry {
  readonly label: string;
  readonly group: 'trade' | 'agents' | 'record' | 'gateway';
}

interface PageOf<V, O> {
  /** Below `/admin`: `/orders/:order_id`; the dashboard is ''. */
  readonly path: string;
  readonly title: string;
  /** A file of views/console/. */
  readonly view: string;
  /** By the last part of the address that the form is sent to: `/admin/orders/:order_id/cancel`. */
  readonly actions: Readonly<Record<string, ActionOf<V, O>>>;
  /** Files of views/static/ that this page alone needs: scripts, in this order. */
  readonly scripts: readonly string[];
  /** Where who comes here has to go instead; undefined: here. */
  away(visit: V): string | undefined;
  load(visit: V): Promise<Result<PageData, Refusal>> | Result<PageData, Refusal>;
}

/** A file that a page gives away: text in chunks, each made when it is asked for. */
export interface PageFile {
  /** Content type. */
  readonly type: string;
  readonly chunks: AsyncIterable<string>;
}

export interface Page extends PageOf<OwnerVisit, Outcome> {
  /** undefined: reached from another page. */
  readonly nav: NavEntry | undefined;
  /** When one of these changes, the page looks again. */
  readonly live: readonly LiveTopic[];
  /**
   * GET with what another site sent back with the owner, told by one word of it in the query: done once, and left at once. That
   * word is proof enough that they were sent from here.
   */
  readonly comesBack: { readonly by: string; run(visit: OwnerVisit): Promise<Outcome> } | undefined;
  /** By the last part of their address, which is their name: `/admin/audit/record.csv`. */
  readonly files: Readonly<Record<string, (visit: OwnerVisit) => Result<PageFile, Refusal>>>;
}

/** A page for who has not signed in. */
export interface Entrance extends PageOf<GuestVisit, EntranceOutcome> {
  /** GET with a one-time code in the address: it is redeemed, and leaves the address at once. */
  readonly redeem: ((visit: GuestVisit, code: string) => EntranceOutcome) | undefined;
}

type Optional<P, K extends keyof P> = Omit<P, K> & Partial<Pick<P, K>>;

const here = (): undefined => undefined;

export function definePage(
  page: Optional<Page, 'nav' | 'live' | 'files' | 'scripts' | 'actions' | 'away' | 'comesBack'>,
): Page {
  return {
    nav: undefined,
    live: [],
    files: {},
    scripts: [],
    actions: {},
    away: here,
    comesBack: undefined,
    ...page,
  };
}
export function defineEntrance(
  entrance: Optional<Entrance, 'actions' | 'redeem' | 'scripts' | 'away'>,
): Entrance {
  return { actions: {}, redeem: undefined, scripts: [], away: here, ...entrance };
}

/** One form of a page. */
export const action = <I extends z.ZodType>(
  definition: ActionDefinition<OwnerVisit, Outcome, I>,
): ActionOf<OwnerVisit, Outcome> => parsedFirst(definition);
/** One form of an entrance. */
export const entranceAction = <I extends z.ZodType>(
  definition: ActionDefinition<GuestVisit, EntranceOutcome, I>,
): ActionOf<GuestVisit, EntranceOutcome> => parsedFirst(definition);

function parsedFirst<V, O, I extends z.ZodType>(
  definition: ActionDefinition<V, O, I>,
): ActionOf<V, O | { readonly kind: 'refused'; readonly refusal: Refusal }> {
  const { proof = 'none', provesItself = false } = definition;
  return {
    provesItself,
    proof(visit, values) {
      if (typeof proof === 'string') return proof;
      const parsed = parse(definition.input, values);
      // What can not be read is refused by whatever looks at it next.
      return parsed.ok ? proof(visit, parsed.value) : 'none';
    },
    check(visit, values) {
      const parsed = parse(definition.input, values);
      if (!parsed.ok) return parsed.error;
      const checked = definition.check?.(visit, parsed.value);
      return checked === undefined || checked.ok ? undefined : checked.error;
    },
    proves(visit, values) {
      const parsed = parse(definition.input, values);
      return parsed.ok ? definition.proves?.(visit, parsed.value) : undefined;
    },
    async run(visit, values, proved) {
      const parsed = parse(definition.input, values);
      return parsed.ok
        ? definition.run(visit, parsed.value, proved)
        : { kind: 'refused', refusal: parsed.error };
    },
  };
}

/** Strictly: a form has the fields that its page gave it, and a page that was changed since says so. */
function parse<I extends z.ZodType>(input: I, values: FormValues): Result<z.output<I>, Refusal> {
  const parsed = input.safeParse(values);
  if (parsed.success) return ok(parsed.data);
  // What was entered stands in the form again; a passphrase must not stand in an error.
  const errors = parsed.error.issues
    .slice(0, FIELD_ERRORS_MAX)
    .map((issue) => fieldError(issue.path.join('.'), '', issue.message));
  return err(refuse('invalid_input', invalidForm(errors), { errors }));
}

function invalidForm(errors: readonly { readonly field: string; readonly rule: string }[]): string {
  const [first, ...more] = errors;
  if (first === undefined) return 'The form could not be read; nothing was changed.';
  const rest = more.length === 0 ? '' : ` (and ${more.length} more)`;
  return `Nothing was changed. ${first.field === '' ? '' : `${first.field}: `}${first.rule}${rest}.`;
}
