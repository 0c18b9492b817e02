/** The owner's acts on destinations: checked, sealed, and on the record without anything of where they lead. */
import type { AuditLog } from '#audit/log.ts';
import type { Owner } from '#domain/principal.ts';
import { excerpt, fieldError, type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import { NOTIFY_DELIVERIES_SHOWN_MAX, NOTIFY_DESTINATIONS_MAX, NOTIFY_TITLE_LENGTH_MAX } from '#limits.ts';
import type { Store } from '#store/open.ts';
import { type Settings, settings } from '#store/settings.ts';
import type { ChannelId, Target } from './channel.ts';
import { CHANNELS, channelOf } from './channels.ts';
import type { Delivery } from './delivery.ts';
import type { GivenDestination, NotifyDesk } from './desk.ts';
import type { Destination, Destinations } from './destinations.ts';
import type { Jobs } from './jobs.ts';
import { whyNoUrl } from './loopback.ts';
import { newMessageId, type Outbox } from './outbox.ts';

export interface ActsOptions {
  readonly store: Store;
  readonly audit: Pick<AuditLog, 'record'>;
  readonly wallMs: () => number;
  readonly destinations: Destinations;
  readonly jobs: Jobs;
  readonly outbox: Outbox;
  readonly delivery: Pick<Delivery, 'sendNow' | 'look'>;
  /** Where the engine itself is reached; undefined without HTTP. */
  readonly ownUrl: () => string | undefined;
  /** The first destination: what was before it is nobody's news. */
  readonly begin: () => void;
}

const CONSOLE_URL = 'notify:console_url';

/** The owner's address of the console, else the engine's own. */
export function consoleUrlOf(rows: Pick<Settings, 'get'>, ownUrl: () => string | undefined) {
  const own = rows.get(CONSOLE_URL) ?? '';
  return { own, acting: own === '' ? ownUrl() : own };
}

export function openActs(o: ActsOptions): NotifyDesk {
  const { store, audit, wallMs, destinations, jobs, outbox, delivery } = o;
  const rows = settings(store);
  const record = (
    kind: string,
    by: Owner,
    detail: Readonly<Record<string, string | string[] | null>>,
  ): void => void audit.record({ kind, credential: by.credential, door: by.door, outcome: 'ok', detail });

  return {
    channels: CHANNELS.map(({ id, label, words, fields }) => ({ id, label, words, fields })),
    destinations: () => destinations.list().map(viewOf),
    check(given) {
      const parsed = parse(given);
      return parsed.ok ? ok(undefined) : parsed;
    },
    add(given, by) {
      const parsed = parse(given);
      if (!parsed.ok) return parsed;
      return store.transaction((): ReturnType<NotifyDesk['add']> => {
        const count = destinations.list().length;
        if (count >= NOTIFY_DESTINATIONS_MAX)
          return err(
            refuse(
              'invalid_input',
              `There are ${count} destinations, and no more than that; remove one first.`,
            ),
          );
        const { channel, kinds } = given;
        const id = destinations.add({ channel, kinds, ...parsed.value }, wallMs());
        record('notify.added', by, { destination: id, channel, kinds: [...kinds] });
        if (count === 0) o.begin();
        return ok({ id, secret: channelOf(channel).reveal(parsed.value.target) });
      });
    },
    change: (id, to, by) =>
      store.transaction((): ReturnType<NotifyDesk['change']> => {
        const found = required(destinations, id);
        if (!found.ok) return found;
        const { channel } = found.value;
        const moves = Object.values(to.fields).some((text) => text.trim() !== '');
        const label = labelOf(to.label);
        if (!label.ok) return label;
        const target = moves ? channelOf(channel).parse(to.fields) : undefined;
        if (target?.ok === false) return target;
        destinations.change(id, {
          label: label.value,
          kinds: to.kinds,
          ...(target === undefined ? {} : { target: target.value }),
        });
        // What waited was for where it led before.
        if (target !== undefined) jobs.drop(id, wallMs());
        record('notify.changed', by, {
          destination: id,
          channel,
          kinds: [...to.kinds],
          address: target === undefined ? 'as before' : 'another',
        });
        return ok({ secret: target && channelOf(channel).reveal(target.value) });
      }),
    raise: (id, by) =>
      store.transaction(() => {
        const found = required(destinations, id);
        if (!found.ok) return found;
        const ids = destinations.list().map((one) => one.id);
        const at = ids.indexOf(id);
        if (at > 0) {
          ids.splice(at, 1);
          ids.splice(at - 1, 0, id);
          destinations.place(ids);
          record('notify.ordered', by, { destinations: ids });
        }
        return ok(undefined);
      }),
    remove: (id, by) =>
      store.transaction(() => {
        const found = required(destinations, id);
        if (!found.ok) return found;
        destinations.remove(id, wallMs());
        jobs.drop(id, wallMs());
        record('notify.removed', by, { destination: id, channel: found.value.channel });
        return ok(undefined);
      }),
    async test(id) {
      const to = destinations.byId(id);
      if (to === undefined) return err('There is no such destination.');
      const message = {
        id: newMessageId(),
        kind: 'test',
        subject: null,
        title: 'Portcullis can reach you here',
        body: 'You asked for this message on the page Notifications. There is nothing to do.',
        path: '/admin/notifications',
        urgent: false,
        createdAtMs: wallMs(),
      } as const;
      const sent = await delivery.sendNow(to, message);
      const error = sent.kind === 'sent' ? null : sent.why;
      store.transaction(() => outbox.note(message, id, { error }));
      return error === null ? ok(undefined) : err(error);
    },
    deliveries: () => jobs.latest(NOTIFY_DELIVERIES_SHOWN_MAX),
    consoleUrl: () => consoleUrlOf(rows, o.ownUrl),
    setConsoleUrl(text, by) {
      const given = text.trim();
      const why = given === '' ? undefined : whyNoOrigin(given);
      if (why !== undefined)
        return err(
          refuse('invalid_input', 'Nothing was saved; see the field.', {
            errors: [fieldError('console_url', '', why)],
          }),
        );
      const url = given === '' ? '' : new URL(given).origin;
      return store.transaction(() => {
        const before = rows.get(CONSOLE_URL) ?? '';
        if (url !== before) {
          rows.set(CONSOLE_URL, url);
          record('notify.console_url', by, { before, after: url });
        }
        return ok(undefined);
      });
    },
  };
}

/** Links in messages are opened on a phone, so plain http is taken for this machine alone. */
function whyNoOrigin(text: string): string | undefined {
  const why = whyNoUrl(text);
  if (why !== undefined) return why;
  const { pathname, search, hash } = new URL(text);
  return pathname === '/' && search === '' && hash === ''
    ? undefined
    : 'must end after the host, such as https://gateway.example';
}

function parse(
  given: GivenDestination,
): Result<{ readonly label: string; readonly target: Target }, Refusal> {
  const label = labelOf(given.label);
  const target = channelOf(given.channel).parse(given.fields);
  if (label.ok && target.ok) return ok({ label: label.value, target: target.value });
  const errors = [...errorsOf(label), ...errorsOf(target)];
  return err(refuse('invalid_input', 'Nothing was saved; see the fields.', { errors }));
}
const errorsOf = (given: Result<unknown, Refusal>) => (given.ok ? [] : (given.error.errors ?? []));

function labelOf(text: string): Result<string, Refusal> {
  const label = excerpt(text.trim(), NOTIFY_TITLE_LENGTH_MAX);
  if (label !== '') return ok(label);
  const errors = [fieldError('label', '', 'must not be empty')];
  return err(refuse('invalid_input', 'Nothing was saved; see the field.', { errors }));
}

function required(destinations: Destinations, id: string): Result<Destination, Refusal> {
  const found = destinations.byId(id);
  return found === undefined
    ? err(refuse('not_found', 'There is no such destination any more; nothing was changed.'))
    : ok(found);
}

const viewOf = ({ id, channel, label, kinds, createdAtMs, target }: Destination) => ({
  id,
  channel: channel satisfies ChannelId,
  channelLabel: channelOf(channel).label,
  label,
  masked: target === undefined ? null : channelOf(channel).mask(target),
  kinds: [...kinds],
  createdAtMs,
});
