/** What a line of the record is to the owner: a message, the end of what one told of, something to gather, or nothing. */

import type { JsonValue } from '#audit/event.ts';
import type { AuditLine } from '#audit/query.ts';
import { isDecimalText, money, roundUpTo } from '#domain/decimal.ts';
import { excerpt, printable } from '#domain/refusal.ts';
import { adjusted, closedElsewhere, mismatch, unlisted } from './book-tales.ts';
import {
  accountAdded,
  connected,
  credentialsChanged,
  directoryFailed,
  directoryRefreshed,
  disconnected,
  feedBack,
  feedDown,
  feedReopened,
  removed,
  signedIn,
  signInNeeded,
} from './broker-tales.ts';
import { quoted } from './message.ts';
import {
  approvalExpired,
  approvalOver,
  approvalWaits,
  contradicted,
  takenUp,
  termsFollowed,
  unclear,
} from './order-tales.ts';
import { accountPage, agentPage, type Read, type Tale, tell } from './tale.ts';

/** undefined: it is nobody's news. */
export function taleOf(line: AuditLine): Tale | undefined {
  const { detail } = line;
  const tale = Object.hasOwn(BY_KIND, line.kind) ? BY_KIND[line.kind] : undefined;
  return tale?.({
    line,
    agent: printable(line.agent ?? 'somebody'),
    account: printable(line.account ?? ''),
    text(name) {
      const value = detail?.[name];
      return typeof value === 'string' || typeof value === 'number' ? printable(String(value)) : '';
    },
  });
}

const BY_KIND: Readonly<Record<string, (read: Read) => Tale | undefined>> = {
  'approval.requested': approvalWaits,
  'approval.approved': approvalOver,
  'approval.rejected': approvalOver,
  'approval.withdrawn': approvalOver,
  'approval.void': approvalOver,
  'approval.expired': approvalExpired,
  'order.transition': unclear,
  'evidence.contradicted': contradicted,
  'order.taken_up': takenUp,
  'order.terms_followed': termsFollowed,
  'order.executed': ({ agent, account, text }) => ({
    kind: 'fill',
    fill: {
      agent,
      account,
      side: text('side'),
      symbol: text('symbol'),
      qty: text('qty'),
      price: text('price'),
    },
  }),
  'tool.call': ({ line, agent, text }) =>
    line.scope !== 'write:orders'
      ? undefined
      : { kind: 'refusal', agent, reason: text('reason'), count: Math.max(1, Number(text('count')) || 1) },
  'limit.breached': breached,
  'agent.reducing': ({ agent, text }) =>
    text('reason') === 'mandate_expired'
      ? tell({
          kind: 'mandate',
          subject: agent,
          title: `The mandate of ${agent} has ended`,
          body: [
            'It may only reduce what it holds, until you give it a new one. Its orders that could add are taken back; its page lists them.',
          ],
          path: agentPage(agent),
        })
      : undefined,
  'agent.halted': ({ agent, text }) =>
    text('after') === 'agent'
      ? tell({
          kind: 'agent',
          subject: agent,
          title: `${agent} has halted itself`,
          body: [
            'Its adding orders are canceled, and it sends nothing until you lift it.',
            `Written by the agent, not checked: ${quoted(text('why'))}`,
          ],
          path: agentPage(agent),
        })
      : undefined,
  'mandate.tightened': ({ line, agent }) =>
    tell({
      kind: 'agent',
      subject: agent,
      title: `${agent} has tightened its mandate`,
      body: [
        'It may do less than before. Only you can widen it again.',
        ...changesOf(line).map((change) => `${change}.`),
      ],
      path: agentPage(agent),
    }),
  'oauth.registered': clientAsks,
  'oauth.client_approved': clientAnswered,
  'oauth.client_revoked': clientAnswered,
  'oauth.client_deleted': clientAnswered,
  'oauth.client_expired': clientAnswered,
  kill: killed,
  resume: () => ({
    kind: 'over',
    of: 'kill',
    subject: 'gate',
    news: {
      kind: 'kill',
      subject: 'gate',
      title: 'Trading goes on',
      body: [
        'The kill switch is lifted: agents sign in again, and their keys work. What was canceled or refused stays so.',
      ],
      path: '/admin/gate',
    },
  }),
  'broker.disconnected': disconnected,
  'broker.connected': connected,
  'broker.sign_in_needed': signInNeeded,
  'broker.signed_in': signedIn,
  'feed.down': feedDown,
  'feed.back': feedBack,
  'feed.reopened': feedReopened,
  'directory.failed': directoryFailed,
  'directory.refreshed': directoryRefreshed,
  'ledger.adjusted': adjusted,
  'broker.unlisted': unlisted,
  'reconcile.mismatch': mismatch,
  'position.closed_elsewhere': closedElsewhere,
  'account.added': accountAdded,
  'account.credentials_changed': credentialsChanged,
  'account.removed': removed,
  'audit.repaired': ({ line, text }) =>
    line.outcome === 'error'
      ? tell({
          kind: 'record',
          subject: null,
          title: 'The file of the record was not as it was left',
          body: [
            `What it misses was written again from the database (${text('reason').replaceAll('_', ' ')}). Look into it: nothing but the gateway should write there.`,
          ],
          path: '/admin/audit',
        })
      : undefined,
  'broker.event_failed': ({ account }) =>
    tell({
      kind: 'record',
      subject: `account ${account}`,
      title: `News of the broker of ${account} could not be written`,
      body: [
        'Nothing is lost: the books are compared with the broker again. Look at the disk of the gateway.',
      ],
      path: accountPage(account),
    }),
  'owner.signed_in': ({ line, text }) =>
    line.detail?.['device'] === null || line.detail?.['device'] === undefined
      ? tell({
          kind: 'sign_in',
          subject: null,
          title:
            text('client') === ''
              ? 'You signed in from a browser that is not trusted'
              : 'You signed in to decide about a remote client',
          body: [`From the address ${text('address')}. If that was not you, change your passphrase.`],
          path: '/admin/security',
        })
      : undefined,
  'owner.device_trusted': ({ text }) =>
    tell({
      kind: 'sign_in',
      subject: text('device'),
      title: 'A browser is trusted now',
      body: [
        `From the address ${text('address')}. If that was not you, forget it and change your passphrase.`,
      ],
      path: '/admin/security',
    }),
  'owner.recovery_used': () => yourKeys('A recovery code was used'),
  'owner.passphrase_changed': () => yourKeys('Your passphrase was changed'),
  'owner.passphrase_reset': () => yourKeys('Your passphrase was reset'),
  'owner.totp_removed': () => yourKeys('Your authenticator was removed'),
};

export const TALE_KINDS: readonly string[] = Object.keys(BY_KIND).filter(
  (kind) => kind !== 'order.transition' && kind !== 'tool.call',
);

function clientAsks({ line, text }: Read): Tale {
  const { redirects } = line.detail ?? {};
  const hosts = Array.isArray(redirects) ? redirects.filter((one) => typeof one === 'string') : [];
  return {
    kind: 'client_asks',
    client: {
      id: text('client'),
      name: text('name'),
      redirects: printable(hosts.join(', ')),
      address: text('address'),
    },
  };
}

function clientAnswered({ text }: Read): Tale {
  return { kind: 'client_answered', id: text('client') };
}

const yourKeys = (title: string): Tale =>
  tell({
    kind: 'sign_in',
    subject: null,
    title,
    body: ['If that was not you, press the kill switch and look at the sign-ins.'],
    path: '/admin/security',
  });

/** `0.18 of 0.10 USD`: what was lost is told in cents, never as less than it is. */
function amounts(text: Read['text']): string {
  const [used, max, currency] = [text('used'), text('max'), text('currency')];
  if (text('limit') === 'max_drawdown') return `${used} of ${max} %`;
  return currency === '' ? `${used} of ${max}` : `${inCents(used)} of ${inCents(max)} ${currency}`;
}

const CENT = money('0.01');
const inCents = (amount: string): string =>
  isDecimalText(amount) ? roundUpTo(money(amount), CENT).toFixed(2) : amount;

function breached({ line, agent, account, text }: Read): Tale {
  const ofAccount = line.agent === null || line.agent === undefined;
  const whose = ofAccount ? `The account ${account}` : agent;
  const limit = text('limit').replaceAll('_', ' ');
  return tell({
    kind: 'breach',
    subject: ofAccount ? account : agent,
    title: `${whose} may only reduce: ${limit}`,
    body: [
      `It stands at ${amounts(text)}${text('per') === '' ? '' : ` per ${text('per')}`}. Adding orders are canceled, and none is taken until that has ended or you lift it.`,
    ],
    path: ofAccount ? accountPage(account) : agentPage(agent),
  });
}

/** The owner who pressed it knows; a file may have been laid by anybody. */
function killed({ line, text }: Read): Tale {
  const by = text('by');
  const who = by === 'file' ? 'by the file KILL' : `by you (${by === 'cli' ? 'command line' : by})`;
  return tell({
    kind: 'kill',
    subject: 'gate',
    title: `Everything is halted, ${who}`,
    body: [
      line.outcome === 'error'
        ? 'The database could not be written then; the gate fell all the same.'
        : 'No order is taken until you resume. What was canceled and what is left is in the console.',
    ],
    path: '/admin/gate',
    needsOwner: by === 'file',
    standing: true,
  });
}

const FIELDS_TOLD_MAX = 10;

/** `max_daily_loss: 500 → 200`: names of ours, of what a mandate has. */
function changesOf({ detail }: AuditLine): readonly string[] {
  const [before, after] = [fieldsIn(detail?.['before']), fieldsIn(detail?.['after'])];
  return Object.entries(after)
    .slice(0, FIELDS_TOLD_MAX)
    .map(([name, to]) => `${name}: ${valueText(before[name])} → ${valueText(to)}`);
}

const fieldsIn = (value: JsonValue | undefined): Readonly<Record<string, JsonValue>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, JsonValue>>)
    : {};

const valueText = (value: JsonValue | undefined): string =>
  excerpt(
    typeof value === 'string'
      ? value
      : value === undefined || value === null
        ? 'none'
        : JSON.stringify(value),
    VALUE_TOLD_LENGTH_MAX,
  );
const VALUE_TOLD_LENGTH_MAX = 80;
