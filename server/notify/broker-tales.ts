/** What the record tells of brokers and their prices: connections, sign-ins, feeds, lists of instruments, and who may open them. */
import { quoted } from './message.ts';
import { accountPage, type Read, type Tale, tell } from './tale.ts';

const connectionOf = (account: string): string => `account ${account}`;
const signInOf = (account: string): string => `sign-in ${account}`;

export const disconnected = ({ account, text }: Read): Tale =>
  tell({
    kind: 'connection',
    subject: connectionOf(account),
    title: `No connection to the broker of ${account}`,
    body: [
      'Orders for it are refused until it is back and its books are compared.',
      ...(text('text') === '' ? [] : [`What the connection said: ${quoted(text('text'))}`]),
    ],
    path: accountPage(account),
    standing: true,
  });

export const connected = ({ account }: Read): Tale => ({
  kind: 'over',
  of: 'connection',
  subject: connectionOf(account),
  news: {
    kind: 'connection',
    subject: connectionOf(account),
    title: `The broker of ${account} is back`,
    body: ['Its books are compared before orders go there again.'],
    path: accountPage(account),
  },
});

/** Nothing more is to be said of an account that is gone. */
export const removed = ({ account }: Read): Tale => ({
  kind: 'over',
  of: 'connection',
  subject: connectionOf(account),
});

export function signInNeeded({ account, text }: Read): Tale {
  const until = text('ends_at').slice(11, 16);
  const path = `${accountPage(account)}/sign-in`;
  if (text('needed') === 'soon')
    return tell({
      kind: 'connection',
      subject: signInOf(account),
      title: `Sign in at the broker of ${account} soon`,
      body: [
        until === ''
          ? 'The session there ends soon. Orders are refused from then on, until you sign in again.'
          : `The session there ends at ${until} UTC. Orders are refused from then on, until you sign in again.`,
      ],
      path,
      needsOwner: true,
    });
  return tell({
    kind: 'connection',
    subject: signInOf(account),
    title: `Sign in at the broker of ${account}`,
    body: [
      'The session there has ended. Orders for it are refused, its prices stand still, and what works there goes on working.',
    ],
    path,
    needsOwner: true,
    standing: true,
  });
}

/** Whoever could begin it knows that it failed. */
export const signedIn = ({ line, account }: Read): Tale | undefined =>
  line.outcome === 'ok' ? { kind: 'over', of: 'connection', subject: signInOf(account) } : undefined;

/** A tape has a symbol, a live feed the account or exchange whose it is; older lines have that as their symbol too. */
const feedOf = ({
  line,
  text,
}: Read): { readonly subject: string; readonly prices: string; readonly path: string } => {
  const name = text('source') || text('symbol');
  const account = line.account ?? '';
  return {
    subject: `feed ${name}`,
    prices: account === '' ? `of ${name}` : `from the broker of ${name}`,
    path: account === '' ? '/admin/market' : accountPage(account),
  };
};

export function feedDown(read: Read): Tale {
  const { subject, prices, path } = feedOf(read);
  const isLive = path !== '/admin/market';
  return tell({
    kind: 'connection',
    subject,
    title: `No prices ${prices} although ${isLive ? 'a' : 'its'} market is open`,
    body: [
      `Nothing has come for ${read.text('silent_s')} s. Orders that add are refused without a fresh price; cancels, closes and the kill switch work.${isLive ? ' The stream is opened anew by itself.' : ''}`,
    ],
    path,
    standing: true,
  });
}

export function feedBack(read: Read): Tale {
  const { subject, prices, path } = feedOf(read);
  return {
    kind: 'over',
    of: 'connection',
    subject,
    news: {
      kind: 'connection',
      subject,
      title: `Prices ${prices} are back`,
      body: [`They were away for ${read.text('silent_s')} s.`],
      path,
    },
  };
}

/** A stream that is opened anew heals by itself in most cases: one message, when several tries have brought nothing. */
const TRIES_TOLD = 3;

export function feedReopened(read: Read): Tale | undefined {
  if (read.text('tries') !== String(TRIES_TOLD)) return undefined;
  const { subject, prices, path } = feedOf(read);
  return tell({
    kind: 'connection',
    subject,
    title: `Still no prices ${prices}`,
    body: [
      `The stream was opened anew ${TRIES_TOLD} times, and nothing has come for ${read.text('silent_s')} s. It is tried on, at longer and longer intervals: look whether the broker is away, or the account.`,
    ],
    path,
    standing: true,
  });
}

/** One that failed is tried again; a second time it is news, and no more after that. */
export function directoryFailed({ text }: Read): Tale | undefined {
  if (text('times') !== '2') return undefined;
  const directory = text('directory');
  return tell({
    kind: 'connection',
    subject: `directory ${directory}`,
    title: `The list of instruments ${directory} could not be read twice`,
    body: [
      'What was listed before goes on being traded; what is new there is not found, and what changed is not known.',
      ...(text('fault') === '' ? [] : [`Why: ${quoted(text('fault'))}`]),
    ],
    path: '/admin/accounts',
    standing: true,
  });
}
export const directoryRefreshed = ({ text }: Read): Tale => ({
  kind: 'over',
  of: 'connection',
  subject: `directory ${text('directory')}`,
});

/** What opens real money was given to the gateway: whoever did not do that wants to know. */
export const accountAdded = ({ account, text }: Read): Tale | undefined =>
  text('mode') === 'live'
    ? tell({
        kind: 'sign_in',
        subject: null,
        title: `An account with real money was added: ${account}`,
        body: [
          `At ${text('broker')}. If that was not you, press the kill switch, and take its keys back at the broker.`,
        ],
        path: accountPage(account),
      })
    : undefined;

export const credentialsChanged = ({ account }: Read): Tale =>
  tell({
    kind: 'sign_in',
    subject: null,
    title: `The credentials of ${account} were changed`,
    body: ['If that was not you, press the kill switch and look at the sign-ins.'],
    path: accountPage(account),
  });
