/** What the record tells of orders that need the owner: approvals that wait, outcomes that are unclear. */
import { NOTIFY_UNCLEAR_AFTER_MS } from '#limits.ts';
import type { Draft } from './outbox.ts';
import { orderPage, type Read, type Tale, tell } from './tale.ts';

/** `buy 3 SPX, limit at 1420`, as far as it is told. */
function termsOf({ text }: Read): string {
  const words = [text('side'), text('qty'), text('symbol')].filter((word) => word !== '').join(' ');
  const [limit, stop] = [text('limit_price'), text('stop_price')];
  return [words, ...(limit ? [`limit at ${limit}`] : []), ...(stop ? [`stop at ${stop}`] : [])].join(', ');
}

const approvalId = ({ text }: Read): string => text('approval_id') || text('order_id');

export function approvalWaits(read: Read): Tale {
  const { agent, account, text } = read;
  const id = approvalId(read);
  const value = text('value');
  const until = text('expires_at').slice(11, 16);
  const draft: Draft = {
    kind: 'approval',
    subject: id,
    title: `${agent} asks: ${termsOf(read) || 'an order'}`,
    body: [
      `It waits for your approval${account === '' ? '' : ` on ${account}`}${value === '' ? '' : `, about ${value} ${text('currency')}`.trimEnd()}.`,
      ...(text('why_asked') === '' ? [] : [text('why_asked')]),
      until === ''
        ? 'Without your word it is refused when its time is over.'
        : `Without your word by ${until} UTC it is refused.`,
    ],
    path: `/admin/approvals/${encodeURIComponent(id)}`,
    needsOwner: true,
    standing: true,
  };
  return { kind: 'tell', draft, asks: agent };
}
export function approvalOver(read: Read): Tale {
  return { kind: 'over', of: 'approval', subject: approvalId(read) };
}
export function approvalExpired(read: Read): Tale {
  const id = approvalId(read);
  return {
    kind: 'over',
    of: 'approval',
    subject: id,
    news: {
      kind: 'approval',
      subject: id,
      title: `Not decided in time: ${termsOf(read) || `an order of ${read.agent}`}`,
      body: [`The order of ${read.agent} is refused; nothing was sent.`],
      path: `/admin/approvals/${encodeURIComponent(id)}`,
    },
  };
}

/** The owner recorded an end or fills, and the broker, asked afterwards, says otherwise. */
export function contradicted({ agent, account, text }: Read): Tale {
  const order = text('order_id');
  return tell({
    kind: 'unknown',
    subject: order,
    title: `The broker contradicts what you recorded of an order of ${agent}`,
    body: [
      `You recorded ${text('recorded').replaceAll('_', ' ')}; the broker of ${account} says ${text('broker').replaceAll('_', ' ')}. The books follow the broker: look at the order, and at what works.`,
      `Order ${order}.`,
    ],
    path: orderPage(order),
  });
}

/** An order that had ended for the books goes on, because the broker has it at work. Against evidence the owner is told already. */
export function takenUp({ agent, account, text }: Read): Tale | undefined {
  if (text('against') === 'evidence') return undefined;
  const order = text('taken_up_as');
  return tell({
    kind: 'unknown',
    subject: order,
    title: `At work all the same: an order of ${agent} on ${account}`,
    body: [
      `The books had it as ${text('was')}; the broker, asked again, has it at work. It goes on as ${order}, counts against every limit, and can be canceled.`,
      `Before: order ${text('order_id')}.`,
    ],
    path: orderPage(order),
  });
}

/** A change that took effect after it was given up, or one that was made elsewhere. */
export function termsFollowed({ agent, account, text }: Read): Tale {
  const order = text('order_id');
  return tell({
    kind: 'unknown',
    subject: order,
    title: `Other terms at the broker: an order of ${agent} on ${account}`,
    body: [
      `The books had ${text('ours')}; the broker, asked again, has it at work for ${text('broker')}. The books follow, even beyond a limit: look whether you want it so.`,
      `Order ${order}.`,
    ],
    path: orderPage(order),
  });
}

/** `buy 3 SPX`, or as little as is known. */
function orderOf({ text }: Read): string {
  const words = [text('side'), text('qty'), text('symbol')];
  return words.includes('') ? 'an order' : words.join(' ');
}

/** Told when it is still unclear after a while: most are clear again before anybody could look. */
export function unclear(read: Read): Tale | undefined {
  const { agent, account, text } = read;
  const order = text('order_id');
  if (text('to') === 'unknown')
    return text('from') === 'unknown'
      ? undefined
      : tell({
          kind: 'unknown',
          subject: order,
          title: `Unclear: ${orderOf(read)} of ${agent} on ${account}`,
          delayMs: NOTIFY_UNCLEAR_AFTER_MS,
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
    news: {
      kind: 'unknown',
      subject: order,
      routine: true,
      title: `Clear again: ${orderOf(read)} of ${agent} is ${text('to').replaceAll('_', ' ')}`,
      body: [`Filled ${text('filled_qty')} of ${text('qty')} on ${account}. Order ${order}.`],
      path: orderPage(order),
    },
  };
}
