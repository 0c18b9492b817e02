// docs/brokers.md, from what the conformance suite says of each adapter.

import type { BrokerDefinition } from '#brokers/broker.ts';
import type { BudgetRule } from '#brokers/request-budget.ts';
import type { BrokerCapabilities } from '#ports.ts';
import { type ConformanceResults, PASSED } from '../test/brokers/conformance/results.ts';

const HEAD = `# Brokers

<!-- Made from the results of the conformance suite by \`npm run docs\`; tests compare. -->

Every adapter is put through one suite of numbered cases, over a simulator of its broker on this machine: orders that are accepted, refused, lost, answered twice or not at all; streams that break or stand still; tokens that end; numbers to the last digit. What an adapter can not do is skipped and listed here with the reason, so "supports trailing stops" is the result of a test.

**None of it was verified live.** The words of each section say against what it was. An adapter that does everything right against a simulator and a specification can still meet a broker that does something else: begin on the paper account or testnet that the broker has, with small limits, and read [Unclear orders](unclear-orders.md) first.

No adapter has a way to move money or coins out of an account: a test reads every source for one, and another looks through everything that was asked of the simulators. Give an agent's account a key that can not withdraw all the same. A broker that is not here can be added: [Writing a broker](writing-a-broker.md).
`;

/** In the order of the list of brokers, then by name. */
export function brokersPage(
  brokers: readonly BrokerDefinition[],
  recorded: readonly ConformanceResults[],
): string {
  const order = (one: ConformanceResults): number => brokers.findIndex(({ id }) => id === one.broker);
  const results = recorded.toSorted((a, b) => order(a) - order(b) || a.name.localeCompare(b.name, 'en'));
  return [
    HEAD,
    overview(results),
    ...results.map((one) =>
      section(
        one,
        brokers.find(({ id }) => id === one.broker),
      ),
    ),
    everyCase(results),
  ].join('\n');
}

const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [row(head), row(head.map(() => '---')), ...rows.map(row)].join('\n').concat('\n');
const passedOf = ({ cases }: ConformanceResults): number =>
  cases.filter(({ outcome }) => outcome === PASSED).length;
const anchor = (label: string): string =>
  label
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');

const overview = (results: readonly ConformanceResults[]): string =>
  table(
    ['adapter', 'cases passed', 'skipped', 'verified against'],
    results.map((one) => [
      `[${one.label}](#${anchor(one.label)})`,
      String(passedOf(one)),
      String(one.cases.length - passedOf(one)),
      one.verifiedAgainst,
    ]),
  );

function section(one: ConformanceResults, definition: BrokerDefinition | undefined): string {
  return [
    `## ${one.label}`,
    `Verified against ${one.verifiedAgainst}. Not verified live.`,
    ...(definition === undefined ? [] : [accountWords(definition)]),
    table(['what it can do', ''], capabilityRows(one.capabilities)).trimEnd(),
    limitWords(one.limits),
    skippedWords(one),
  ]
    .filter((part) => part !== '')
    .join('\n\n')
    .concat('\n');
}

function accountWords({ id, modes, fields }: BrokerDefinition): string {
  const asks = (kind: 'setting' | 'credential'): string =>
    fields
      .filter((field) => field.kind === kind)
      .map(({ name, label, optional }) => `\`${name}\` (${label}${optional === true ? ', optional' : ''})`)
      .join(', ');
  const [settings, credentials] = [asks('setting'), asks('credential')];
  return [
    `In the list of brokers it is \`${id}\`; its accounts are ${modes.map((mode) => `\`${mode}\``).join(' or ')}.`,
    ...(settings === '' ? [] : [`Settings: ${settings}.`]),
    ...(credentials === ''
      ? []
      : [`Credentials, sealed when they are entered and shown to nobody again: ${credentials}.`]),
  ].join(' ');
}

const list = (words: readonly string[]): string =>
  words.length === 0 ? 'none' : words.map((word) => `\`${word}\``).join(', ');
const yes = (can: boolean): string => (can ? 'yes' : 'no');

function capabilityRows(can: BrokerCapabilities): readonly (readonly string[])[] {
  const { ids } = can;
  const scope = { account: 'as long as the account', open_orders: 'while the order works', none: 'nowhere' };
  return [
    ['order types', list(can.orderTypes)],
    ['time in force', list(can.timesInForce)],
    ['products', list(can.products)],
    ['brackets', yes(can.brackets)],
    ['trailing stops', yes(can.trailing)],
    ['post only', yes(can.postOnly)],
    ['reduce only', yes(can.reduceOnly)],
    ['extended hours', yes(can.extendedHours)],
    ['short selling', yes(can.shortSelling)],
    ['changing a working order', yes(can.replace)],
    ['market depth', yes(can.depth)],
    ['what an order would need, beforehand', yes(can.marginPreview)],
    ['holdings', yes(can.holdings)],
    ['our id of an order is kept', scope[ids.scope]],
    ['can be asked by our id', yes(ids.queryByClientId)],
    ['the same id twice is one order', yes(ids.dedupes)],
    ['orders end with the connection', yes(ids.cancelOnDisconnect)],
    ['"no such order" is final after', `${ids.absentIsFinalAfterMs / 1_000} s`],
  ];
}

function limitWords(limits: readonly BudgetRule[]): string {
  if (limits.length === 0) return '';
  const told = limits.map(
    ({ name, max, perMs, of }) =>
      `${max} within ${perMs / 1_000} s (${of === undefined || of.length === 0 ? name : of.map((kind) => `${kind}s`).join(', ')})`,
  );
  return `Requests are kept within ${told.join('; ')}. Cancels go before orders, orders before questions.`;
}

function skippedWords({ cases }: ConformanceResults): string {
  const reasons = Map.groupBy(
    cases.filter(({ outcome }) => outcome !== PASSED),
    ({ outcome }) => outcome,
  );
  if (reasons.size === 0) return 'No case was skipped.';
  const lines = [...reasons].map(
    ([reason, skipped]) => `- ${reason}: ${skipped.map(({ number }) => number).join(', ')}`,
  );
  return ['Skipped:', '', ...lines].join('\n');
}

function everyCase(results: readonly ConformanceResults[]): string {
  const [first] = results;
  if (first === undefined) return '';
  const mark = (one: ConformanceResults, number: string): string =>
    one.cases.some((found) => found.number === number && found.outcome === PASSED) ? '✓' : '–';
  return [
    '## The cases',
    '✓: passed. –: skipped, for the reason given above.',
    table(
      ['', 'what is true of an adapter that passes', ...results.map(({ name }) => name)],
      first.cases.map(({ number, title }) => [
        number,
        title.replaceAll('|', '\\|'),
        ...results.map((one) => mark(one, number)),
      ]),
    ),
  ].join('\n\n');
}
