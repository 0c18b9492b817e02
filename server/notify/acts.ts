/** The owner's acts on destinations: checked, sealed, and on the record without anything of where they lead. */
import type { AuditLog } from '#audit/log.ts';
import type { Owner } from '#domain/principal.ts';
import { excerpt, fieldError, type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import { NOTIFY_DELIVERIES_SHOWN_MAX, NOTIFY_DESTINATIONS_MAX, NOTIFY_TITLE_LENGTH_MAX } from '#limits.ts';
import type { Store } from '#store/open.ts';
import type { ChannelId, Target } from './channel.ts';
import { CHANNELS, channelOf } from './channels.ts';
import type { ConsoleUrl } from './console-url.ts';
import type { Delivery } from './delivery.ts';
import type { GivenDestination, NotifyDesk } from './desk.ts';
import type { Destination, Destinations } from './destinations.ts';
import type { Jobs } from './jobs.ts';
import { type Message, newMessageId } from './message.ts';
import type { Outbox } from './outbox.ts';

export interface ActsOptions {
  readonly store: Store;
  readonly audit: Pick<AuditLog, 'record'>;
  readonly wallMs: () => number;
  readonly destinations: Destinations;
  readonly jobs: Jobs;
  readonly outbox: Outbox;
  readonly delivery: Pick<Delivery, 'sendNow'>;
  readonly url: ConsoleUrl;
  /** The first destination: what was before it is nobody's news. */
  readonly begin: () => void;
}

export function openActs(o: ActsOptions): NotifyDesk {
  const { store, audit, wallMs, destinations, jobs, url } = o;
  const record: Recording = (kind, { credential, door }, detail) =>
    void audit.record({ kind, credential, door, outcome: 'ok', detail });
  const within = (id: string, work: (found: Destination) => void): Result<void, Refusal> =>
    store.transaction(() => {
      const found = required(destinations, id);
      return found.ok ? ok(work(found.value)) : found;
    });

  return {
    channels: CHANNELS.map(({ id, label, words, fields }) => ({ id, label, words, fields })),
    destinations: () => destinations.list().map(viewOf),
    check(given) {
      const parsed = parse(given);
      return parsed.ok ? ok(undefined) : parsed;
    },
    add: (given, by) => store.transaction(() => add(o, given, { by, record })),
    change: (id, to, by) => store.transaction(() => change(o, id, to, { by, record })),
    checkChange: (id, to) => changeOf(o, id, to),
    raise: (id, by) =>
      within(id, () => {
        const ids = destinations.list().map((one) => one.id);
        const at = ids.indexOf(id);
        if (at < 1) return;
        ids.splice(at - 1, 2, id, ids[at - 1] ?? '');
        destinations.setOrder(ids);
        record('notify.ordered', by, { destinations: ids });
      }),
    remove: (id, by) =>
      within(id, ({ channel }) => {
        destinations.remove(id, wallMs());
        jobs.drop(id, wallMs());
        record('notify.removed', by, { destination: id, channel });
      }),
    test: (id) => sendTest(o, id),
    deliveries: () => jobs.latest(NOTIFY_DELIVERIES_SHOWN_MAX),
    consoleUrl: () => ({ own: url.own(), acting: url.acting() }),
    setConsoleUrl: (text, by) =>
      store.transaction(() => {
        const set = url.set(text);
        if (!set.ok) return set;
        if (set.value.before !== set.value.after) record('notify.console_url', by, { ...set.value });
        return ok(undefined);
      }),
  };
}

type Recording = (
  kind: string,
  by: Owner,
  detail: Readonly<Record<string, string | readonly string[] | null>>,
) => void;
interface Recorded {
  readonly by: Owner;
  readonly record: Recording;
}

function add(
  o: ActsOptions,
  given: GivenDestination,
  { by, record }: Recorded,
): ReturnType<NotifyDesk['add']> {
  const parsed = parse(given);
  if (!parsed.ok) return parsed;
  const count = o.destinations.list().length;
  if (count >= NOTIFY_DESTINATIONS_MAX) {
    const why = `There are ${count} destinations, and no more than that; remove one first.`;
    return err(refuse('invalid_input', why));
  }
  const { channel, kinds } = given;
  const id = o.destinations.add({ channel, kinds, ...parsed.value }, o.wallMs());
  record('notify.added', by, { destination: id, channel, kinds });
  if (count === 0) o.begin();
  return ok({ id, secret: channelOf(channel).reveal(parsed.value.target) });
}

function change(
  o: ActsOptions,
  id: string,
  to: Omit<GivenDestination, 'channel'>,
  { by, record }: Recorded,
): ReturnType<NotifyDesk['change']> {
  const read = changeOf(o, id, to);
  if (!read.ok) return read;
  const { channel, label, target, moves } = read.value;
  const { kinds } = to;
  o.destinations.change(id, { label, kinds, ...(moves ? { target } : {}) });
  record('notify.changed', by, { destination: id, channel, kinds, address: moves ? 'another' : 'as before' });
  return ok({ secret: moves ? channelOf(channel).reveal(target) : undefined });
}

interface ReadChange {
  readonly channel: ChannelId;
  readonly label: string;
  readonly target: Target;
  /** It leads elsewhere than before. */
  readonly moves: boolean;
}
function changeOf(
  { destinations }: ActsOptions,
  id: string,
  to: Omit<GivenDestination, 'channel'>,
): Result<ReadChange, Refusal> {
  const found = required(destinations, id);
  if (!found.ok) return found;
  const { channel, target: before } = found.value;
  const moves = before === undefined || Object.values(to.fields).some((text) => text.trim() !== '');
  const label = labelOf(to.label);
  const target = moves ? channelOf(channel).parse(to.fields) : ok(before);
  return label.ok && target.ok
    ? ok({ channel, label: label.value, target: target.value, moves })
    : refusedFields(label, target);
}

async function sendTest(
  { destinations, delivery, store, outbox, wallMs }: ActsOptions,
  id: string,
): ReturnType<NotifyDesk['test']> {
  const to = destinations.byId(id);
  if (to === undefined) return err('There is no such destination any more.');
  const message: Message = {
    id: newMessageId(),
    kind: 'test',
    subject: null,
    title: 'Portcullis can reach you here',
    body: 'You asked for this message on the page Notifications. There is nothing to do.',
    path: '/admin/notifications',
    urgent: false,
    createdAtMs: wallMs(),
  };
  const sent = await delivery.sendNow(to, message);
  const error = sent.kind === 'sent' ? null : sent.why;
  store.transaction(() => outbox.note(message, id, { error }));
  return error === null ? ok(undefined) : err(error);
}

function parse(
  given: GivenDestination,
): Result<{ readonly label: string; readonly target: Target }, Refusal> {
  const label = labelOf(given.label);
  const target = channelOf(given.channel).parse(given.fields);
  return label.ok && target.ok
    ? ok({ label: label.value, target: target.value })
    : refusedFields(label, target);
}
function refusedFields(...given: readonly Result<unknown, Refusal>[]): Result<never, Refusal> {
  const errors = given.flatMap(errorsOf);
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
