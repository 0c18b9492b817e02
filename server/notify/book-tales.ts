/** What comparisons with a broker found: money and positions that moved without an order of ours, and what can not be in the books. */
import { quoted } from './message.ts';
import { accountPage, type Read, type Tale, tell } from './tale.ts';

/** One standing subject an account: however much a comparison finds, the later word takes the place of the earlier. */
const found = (account: string, what: string, words: Words): Tale =>
  tell({ kind: 'books', subject: `${what} ${account}`, ...words, path: accountPage(account) });

interface Words {
  readonly title: string;
  readonly body: readonly string[];
}

export const adjusted = ({ account, text }: Read): Tale =>
  found(account, 'cash', {
    title: `The money in ${account} moved without a trade`,
    body: [
      `By ${text('amount')}, to ${text('cash')}: a fee, a dividend, interest, a deposit or a withdrawal. It counts as no profit and no loss.`,
    ],
  });

export const unlisted = ({ account, text }: Read): Tale =>
  found(account, 'unlisted', {
    title: `${account} has something that is in no list here`,
    body: [
      `The broker told an ${text('what') === 'execution' ? 'execution' : 'order'} in ${quoted(text('instrument'))}. It is not in the books, and no limit counts it: look at it at the broker.`,
    ],
  });

export function mismatch({ line, account, text }: Read): Tale {
  const isAdopted = line.detail?.['adopted'] === true;
  return found(account, `position ${text('instrument')}`, {
    title: `${account} holds other than the books said`,
    body: [
      `${text('instrument')}: ${text('broker')} at the broker, ${text('ours')} in the books.`,
      isAdopted
        ? 'The difference was taken into the books, and is no profit of anybody.'
        : `It stays apart, and no limit counts it: ${text('why')}.`,
    ],
  });
}

export const closedElsewhere = ({ line, account, text }: Read): Tale =>
  found(account, `closed ${text('symbol')}`, {
    title: `${text('symbol')} was closed at the broker of ${account}`,
    body: [
      `By an order that nobody here placed (${text('product')}): ${text('side')} ${text('qty')} at ${text('price')}, of ${text('holders')}.`,
      ...(line.outcome === 'unknown'
        ? ['Whose it was can not be told; it was taken in order of name. Compare it with the broker.']
        : []),
    ],
  });
