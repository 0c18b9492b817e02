/** Where messages go is the owner's alone: nothing of it is in the record, the log, an error, a page's data or the database. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { OWNER_CONSOLE } from '#domain/principal.ts';
import { ALL_KINDS, openNotifyRoom, openReceiver } from '../support/notify-room.ts';

const CANARIES = {
  path: 'canary-path-7f3a',
  topic: 'canary_topic_91',
  token: 'tk_canary_token_55',
  bot: '987654:canaryCANARYcanaryCANARYcan',
  chat: '5550001234567',
  password: 'canary-password-12',
  user: 'canary-user-13',
  to: 'canary-mailbox@canary-host.example',
};

test('canaries of every channel are nowhere after adding, sending, failing, changing and removing', async () => {
  const room = openNotifyRoom();
  const receiver = await openReceiver();
  receiver.answer = (response, { body }) => void response.writeHead(500).end(body);
  const secrets: string[] = Object.values(CANARIES);
  const added = [
    room.destination({ channel: 'webhook', fields: { secret_url: `${receiver.url}/${CANARIES.path}` } }),
    room.destination({
      channel: 'ntfy',
      fields: { server: receiver.url, secret_topic: CANARIES.topic, secret_token: CANARIES.token },
    }),
    room.destination({
      channel: 'telegram',
      fields: { secret_token: CANARIES.bot, chat: CANARIES.chat, api: receiver.url },
    }),
    room.destination({
      channel: 'email',
      fields: {
        host: '127.0.0.1',
        port: '1',
        security: 'none',
        username: CANARIES.user,
        secret_password: CANARIES.password,
        from: 'gate@example.com',
        to: CANARIES.to,
      },
    }),
  ];
  secrets.push(added[0]?.secret?.slice('whsec_'.length) ?? 'no secret');
  const said: unknown[] = [room.notify.desk.destinations()];
  for (const { id } of added) said.push(await room.notify.desk.test(id));
  room.happens({ kind: 'agent.halted', agent: 'claude', detail: { after: 'agent', why: 'x' } });
  await room.until(() => room.notify.desk.deliveries().filter(({ tries }) => tries > 0).length >= 8, {
    steps: 3_000,
    stepMs: 1_000,
  });
  said.push(room.notify.desk.deliveries(), room.faults);
  const { desk } = room.notify;
  const wrong = desk.add(
    { channel: 'webhook', label: 'x', kinds: ALL_KINDS, fields: { secret_url: `http://${CANARIES.path}/` } },
    OWNER_CONSOLE,
  );
  said.push(
    wrong,
    desk.check({ channel: 'telegram', label: '', kinds: [], fields: { secret_token: CANARIES.bot } }),
  );
  const [first] = added;
  if (first === undefined) throw new Error('nothing was added');
  const changed = desk.change(
    first.id,
    { label: 'two', kinds: [], fields: { secret_url: `${receiver.url}/${CANARIES.path}/2` } },
    OWNER_CONSOLE,
  );
  if (changed.ok) secrets.push(changed.value.secret ?? 'no secret');
  for (const { id } of added) expect(desk.remove(id, OWNER_CONSOLE).ok).toBe(true);
  said.push(desk.destinations(), desk.deliveries());
  room.log.flush();
  room.store.db.pragma('wal_checkpoint(TRUNCATE)');

  const data = join(room.root, 'data');
  const files = readdirSync(data).map((name) => readFileSync(join(data, name), 'latin1'));
  const everything = [JSON.stringify(said), ...room.lines(), ...files].join('\n');
  expect(everything).toContain('notify.added');
  for (const secret of secrets) expect(everything, secret).not.toContain(secret);
  expect(wrong.ok).toBe(false);
});
