/** Notifications: where the owner is told of what, in which order, whether it works, and what was sent last. */
import { z } from 'zod';
import { refuse } from '#domain/refusal.ts';
import { ok } from '#domain/result.ts';
import type { ChannelId, Delivery, NotifyDesk } from '#notify/desk.ts';
import { NOTIFY_KINDS } from '#notify/kinds.ts';
import { action, definePage, go, type OwnerVisit, refused, show } from './define.ts';

const HERE = '/admin/notifications';
const CHANNEL_IDS = ['ntfy', 'telegram', 'email', 'webhook'] as const satisfies readonly ChannelId[];
const KIND_IDS = NOTIFY_KINDS.map(({ id }) => id);

const kind = z.enum(KIND_IDS);
/** And a text for each field of the channel. A form with no box ticked sends none. */
const destinationInput = z
  .object({ label: z.string().max(200), kind: z.union([kind, z.array(kind)]).default([]) })
  .catchall(z.string().max(2_000));
const changeInput = destinationInput.extend({ id: z.string().max(80) });
const oneId = z.strictObject({ id: z.string().max(80) });

export const notifications = definePage({
  path: '/notifications',
  title: 'Notifications',
  view: 'notifications.html',
  scripts: ['copy.js'],
  nav: { label: 'Notifications', group: 'gateway' },
  load({ services, query }) {
    const { notify } = services;
    const url = notify.consoleUrl();
    return ok({
      destinations: notify.destinations().map((one) => ({
        ...one,
        told: NOTIFY_KINDS.filter(({ id }) => one.kinds.includes(id)).map(({ label }) => label),
        untold: NOTIFY_KINDS.filter(({ id }) => !one.kinds.includes(id)).map(({ label }) => label),
        fields: notify.channels.find(({ id }) => id === one.channel)?.fields ?? [],
      })),
      editing: query['edit'] ?? '',
      channels: notify.channels,
      kinds: NOTIFY_KINDS,
      all_kinds: KIND_IDS,
      console_url: url.own,
      acting_url: url.acting ?? null,
      messages: messagesOf(notify.deliveries()),
      labels: labelsOf(notify),
    });
  },
  actions: {
    ...Object.fromEntries(CHANNEL_IDS.map((channel) => [`add-${channel}`, addTo(channel)])),
    change: action({
      input: changeInput,
      proof: 'recent',
      check: ({ services: { notify } }, given) => notify.checkChange(given.id, changeFrom(notify, given)),
      run({ services: { notify }, owner }, given) {
        const changed = notify.change(given.id, changeFrom(notify, given), owner);
        if (!changed.ok) return refused(changed.error);
        const { secret } = changed.value;
        return secret === undefined ? go(HERE, 'Saved.') : show({ secret, label: given.label });
      },
    }),
    test: action({
      input: oneId,
      async run({ services: { notify } }, { id }) {
        const label = notify.destinations().find((one) => one.id === id)?.label ?? '';
        const sent = await notify.test(id);
        return sent.ok
          ? go(HERE, `It was taken: look for the message at ${label}.`)
          : refused(refuse('invalid_input', `The test message did not arrive. ${sent.error}`));
      },
    }),
    raise: action({
      input: oneId,
      proof: 'recent',
      run({ services: { notify }, owner }, { id }) {
        const raised = notify.raise(id, owner);
        return raised.ok ? go(HERE, 'The order is changed.') : refused(raised.error);
      },
    }),
    remove: action({
      input: oneId,
      proof: 'recent',
      run({ services: { notify }, owner }, { id }) {
        const removed = notify.remove(id, owner);
        return removed.ok
          ? go(HERE, 'Removed; where it led is forgotten, and nothing is sent there any more.')
          : refused(removed.error);
      },
    }),
    links: action({
      input: z.strictObject({ console_url: z.string().max(300) }),
      proof: 'recent',
      run({ services: { notify }, owner }, { console_url }) {
        const set = notify.setConsoleUrl(console_url, owner);
        return set.ok
          ? go(`${HERE}#links`, 'Saved: links in messages begin so from now on.')
          : refused(set.error);
      },
    }),
  },
});

function addTo(channel: ChannelId) {
  const given = (
    { services: { notify } }: OwnerVisit,
    { label, kind: kinds, ...texts }: z.output<typeof destinationInput>,
  ) => ({ channel, label, kinds: [kinds].flat(), fields: fieldsOf(notify, channel, texts) });
  return action({
    input: destinationInput,
    proof: 'recent',
    check: (visit, input) => visit.services.notify.check(given(visit, input)),
    run(visit, input) {
      const added = visit.services.notify.add(given(visit, input), visit.owner);
      if (!added.ok) return refused(added.error);
      const { secret } = added.value;
      return secret === undefined
        ? go(HERE, 'Added. Send a test message to see whether it arrives.')
        : show({ secret, label: input.label });
    },
  });
}

function changeFrom(
  notify: NotifyDesk,
  { id, label, kind: kinds, ...texts }: z.output<typeof changeInput>,
): Parameters<NotifyDesk['change']>[1] {
  const channel = notify.destinations().find((one) => one.id === id)?.channel;
  return { label, kinds: [kinds].flat(), fields: fieldsOf(notify, channel, texts) };
}

/** Those that the channel's form has, and nothing else. */
function fieldsOf(
  notify: NotifyDesk,
  channel: ChannelId | undefined,
  texts: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const fields = notify.channels.find(({ id }) => id === channel)?.fields ?? [];
  return Object.fromEntries(fields.map(({ name }) => [name, texts[name] ?? '']));
}

const labelsOf = ({ channels }: NotifyDesk): Readonly<Record<string, string>> => ({
  label: 'What you call it',
  kind: 'What it is told of',
  console_url: 'Address of this console',
  ...Object.fromEntries(channels.flatMap(({ fields }) => fields.map(({ name, label }) => [name, label]))),
});

/** A line a message, with what became of it at each destination; newest first. */
function messagesOf(deliveries: readonly Delivery[]) {
  const byMessage = Map.groupBy(deliveries, ({ messageId }) => messageId);
  return [...byMessage.values()].flatMap(([first, ...more]) => {
    if (first === undefined) return [];
    const all = [first, ...more].map((one) => ({ ...one, words: wordsOf(one) }));
    const { title, path, createdAtMs } = first;
    return [
      {
        title,
        path,
        created_at_ms: createdAtMs,
        told: all.filter(({ state }) => state !== 'not_needed'),
        spared: all.flatMap(({ state, destination }) => (state === 'not_needed' ? [destination] : [])),
      },
    ];
  });
}

/** What became of it, or what it waits for. */
function wordsOf({ state, tries, error }: Delivery): string {
  const tried = tries === 1 ? '1 try' : `${tries} tries`;
  switch (state) {
    case 'sent':
      return tries > 1 ? `after ${tried}` : '';
    case 'waiting':
      return error === null ? 'its turn has not come.' : `after ${tried}. ${error}`;
    case 'given_up':
      return `after ${tried}. ${error ?? ''}`;
    case 'not_needed':
      return 'another destination took it, or it was over';
    default:
      return state satisfies never;
  }
}
