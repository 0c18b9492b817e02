/** What a line of the record is to the owner: a message, the end of what one told of, something to gather, or nothing. */
import type { AuditLine } from '#audit/query.ts';
import { printable } from '#domain/refusal.ts';
import type { NotifyKind } from './kinds.ts';
import { quoted } from './message.ts';
import type { Draft } from './outbox.ts';

export type Tale =
  | { readonly kind: 'tell'; readonly draft: Draft }
  /** What stood is over; `then` is told only where something stood. */
  | {
      readonly kind: 'over';
      readonly of: NotifyKind;
      readonly subject: string;
      readonly then?: Draft;
    }
  | { readonly kind: 'fill'; readonly fill: Fill }
  | { readonly kind: 'refusal'; readonly agent: string; readonly reason: string; readonly count: number };

export interface Fill {
  readonly agent: string;
  readonly account: string;
  readonly side: string;
  readonly symbol: string;
  /** Decimal strings. */
  readonly qty: string;
  readonly price: string;
}

/** A line, read without trusting that anything is in it. */
interface Read {
  readonly agent: string;
  readonly account: string;
  readonly line: AuditLine;
  /** '' where there is none. */
  readonly text: (name: string) => string;
}

/** undefined: it is nobody's news. */
export function taleOf(line: AuditLine): Tale | undefined {
  const { detail } = line;
  return BY_KIND[line.kind]?.({
    line,
    agent: printable(line.agent ?? 'somebody'),
    account: printable(line.account ?? ''),
    text(name) {
      const value = detail?.[name];
      return typeof value === 'string' || typeof value === 'number' ? printable(String(value)) : '';
    },
  });
}

const tell = (draft: Draft): Tale => ({ kind: 'tell', draft });
const agentPage = (agent: string): string => `/admin/agents/${encodeURIComponent(agent)}`;
const accountPage = (account: string): string => `/admin/accounts/${encodeURIComponent(account)}`;
const orderPage = (order: string): string => `/admin/orders/${encodeURIComponent(order)}`;
/** `buy 3 SPX`, as far as it is told. */
const termsOf = ({ text }: Read): string =>
  [text('side'), text('qty'), text('symbol')].filter((word) => word !== '').join(' ');

const BY_KIND: Readonly<Record<string, (read: Read) => Tale | undefined>> = {
  'approval.requested': approvalWaits,
  'approval.approved': approvalOver,
  'approval.rejected': approvalOver,
  'approval.withdrawn': approvalOver,
  'approval.void': approvalOver,
  'approval.expired': approvalExpired,
  'order.transition': unclear,
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
          body: ['It may only reduce what it holds, until you give it a new one.'],
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
      body: [`It may do less than before${fieldsOf(line)}. Only you can widen it again.`],
      path: agentPage(agent),
    }),
  kill: killed,
  resume: () => ({
    kind: 'over',
    of: 'kill',
    subject: 'gate',
    then: {
      kind: 'kill',
      subject: 'gate',
      title: 'Trading goes on',
      body: ['The kill switch is lifted. What agents have must be presented anew.'],
      path: '/admin/gate',
    },
  }),
  'broker.disconnected': ({ account, text }) =>
    tell({
      kind: 'connection',
      subject: `account ${account}`,
      title: `No connection to the broker of ${account}`,
      body: [
        'Orders for it are refused until it is back and its books are compared.',
        ...(text('text') === '' ? [] : [`What the connection said: ${quoted(text('text'))}`]),
      ],
      path: accountPage(account),
      standing: true,
    }),
  'broker.connected': ({ account }) => ({
    kind: 'over',
    of: 'connection',
    subject: `account ${account}`,
    then: {
      kind: 'connection',
      subject: `account ${account}`,
      title: `The broker of ${account} is back`,
      body: ['Its books are compared before orders go there again.'],
      path: accountPage(account),
    },
  }),
  'feed.down': ({ text }) =>
    tell({
      kind: 'connection',
      subject: `feed ${text('symbol')}`,
      title: `No prices of ${text('symbol')} although its market is open`,
      body: [
        `Nothing has come for ${text('silent_s')} s. Orders that add are refused without a fresh price; cancels, closes and the kill switch work.`,
      ],
      path: '/admin/market',
      standing: true,
    }),
  'feed.back': ({ text }) => ({
    kind: 'over',
    of: 'connection',
    subject: `feed ${text('symbol')}`,
    then: {
      kind: 'connection',
      subject: `feed ${text('symbol')}`,
      title: `Prices of ${text('symbol')} are back`,
      body: [`They were away for ${text('silent_s')} s.`],
      path: '/admin/market',
    },
  }),
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
          title: 'You signed in from a browser that is not trusted',
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

const yourKeys = (title: string): Tale =>
  tell({
    kind: 'sign_in',
    subject: null,
    title,
    body: ['If that was not you, press the kill switch and look at the sign-ins.'],
    path: '/admin/security',
  });

const approvalId = ({ text }: Read): string => text('approval_id') || text('order_id');

function approvalWaits(read: Read): Tale {
  const { agent, account, text } = read;
  const id = approvalId(read);
  const value = text('value');
  const until = text('expires_at').slice(11, 16);
  return tell({
    kind: 'approval',
    subject: id,
    title: `${agent} asks: ${termsOf(read) || 'an order'}`,
    body: [
      `It waits for your approval${account === '' ? '' : ` on ${account}`}${value === '' ? '' : `, about ${value} ${text('currency')}`.trimEnd()}.`,
      until === ''
        ? 'Without your word it is refused when its time is over.'
        : `Without your word by ${until} UTC it is refused.`,
    ],
    path: `/admin/approvals/${encodeURIComponent(id)}`,
    needsOwner: true,
    standing: true,
  });
}
function approvalOver(read: Read): Tale {
  return { kind: 'over', of: 'approval', subject: approvalId(read) };
}
function approvalExpired(read: Read): Tale {
  const id = approvalId(read);
  return {
    kind: 'over',
    of: 'approval',
    subject: id,
    then: {
      kind: 'approval',
      subject: id,
      title: `Not decided in time: ${termsOf(read) || `an order of ${read.agent}`}`,
      body: [`The order of ${read.agent} is refused; nothing was sent.`],
      path: `/admin/approvals/${encodeURIComponent(id)}`,
    },
  };
}

function unclear(read: Read): Tale | undefined {
  const { agent, account, text } = read;
  const order = text('order_id');
  if (text('to') === 'unknown')
    return text('from') === 'unknown'
      ? undefined
      : tell({
          kind: 'unknown',
          subject: order,
          title: `Unclear: an order of ${agent} on ${account}`,
          body: [
            'The broker did not say whether it has it. It is asked again and again; until it says, the order counts as if it worked, and nothing is sent a second time.',
            `Order ${order}.`,
          ],
          path: orderPage(order),
          needsOwner: true,
          standing: true,
        });
  return {
    kind: 'over',
    of: 'unknown',
    subject: order,
    then: {
      kind: 'unknown',
      subject: order,
      title: `Clear again: an order of ${agent} is ${text('to').replaceAll('_', ' ')}`,
      body: [`Filled ${text('filled_qty')} of ${text('qty')} on ${account}. Order ${order}.`],
      path: orderPage(order),
    },
  };
}

function breached({ line, agent, account, text }: Read): Tale {
  const ofAccount = line.agent === null || line.agent === undefined;
  const whose = ofAccount ? `The account ${account}` : agent;
  const limit = text('limit').replaceAll('_', ' ');
  return tell({
    kind: 'breach',
    subject: ofAccount ? account : agent,
    title: `${whose} may only reduce: ${limit}`,
    body: [
      `It stands at ${text('used')} of ${text('max')}${text('per') === '' ? '' : ` ${text('per')}`}. Adding orders are canceled, and none is taken until that has ended or you lift it.`,
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

/** Names of ours, of what a mandate has. */
function fieldsOf({ detail }: AuditLine): string {
  const after = detail?.['after'];
  const names =
    typeof after === 'object' && after !== null && !Array.isArray(after) ? Object.keys(after) : [];
  return names.length === 0 ? '' : ` (${names.map(printable).slice(0, 10).join(', ')})`;
}
