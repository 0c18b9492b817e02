/** A new account at a broker: the fields of its form are the broker's own, and its credentials are tried before it is kept. */
import { refuse } from '#domain/refusal.ts';
import { err, ok } from '#domain/result.ts';
import type { NewBrokerAccount } from './account-desk-views.ts';
import {
  atInputs,
  brokerFieldsInput,
  brokerOfPath,
  enteredIn,
  fieldRow,
  labelsOf,
  proofWords,
} from './account-fields.ts';
import { pathOfAccount } from './account-views.ts';
import { action, definePage, go, type OwnerVisit, refused } from './define.ts';

const NO_BROKER = refuse('not_found', 'There is no such broker. The page Accounts shows those there are.');

function accountIn({ params }: OwnerVisit, entered: Parameters<typeof enteredIn>[0]): NewBrokerAccount {
  return {
    broker: params['broker'] ?? '',
    name: (entered.name ?? '').trim(),
    mode: entered.mode ?? '',
    settings: enteredIn(entered, 'setting'),
    credentials: enteredIn(entered, 'credential'),
  };
}

export const accountAdding = definePage({
  path: '/add-account/:broker',
  title: 'Add an account',
  view: 'account-adding.html',
  load(visit) {
    const found = brokerOfPath(visit);
    if (found === undefined) return err(NO_BROKER);
    const { id, label, modes, fields } = found;
    return ok({
      broker: { id, label, modes, fields: fields.map(fieldRow) },
      labels: labelsOf(fields),
      proof: proofWords(visit),
    });
  },
  actions: {
    add: action({
      input: brokerFieldsInput,
      // Real money takes a code that was given for this alone.
      proof: (_visit, { mode }) => (mode === 'paper' ? 'recent' : 'now'),
      provesItself: true,
      check(visit, entered) {
        const refusal = visit.services.accounts.whyNotAdd(accountIn(visit, entered));
        return refusal === undefined
          ? ok(undefined)
          : err(atInputs(refusal, brokerOfPath(visit)?.fields ?? []));
      },
      async run(visit, entered, proved) {
        const { accounts } = visit.services;
        const added = await accounts.addAtBroker(accountIn(visit, entered), proved === 'now');
        if (!added.ok) return refused(atInputs(added.error, brokerOfPath(visit)?.fields ?? []));
        const { id, tried, trouble, signInNeeded } = added.value;
        const path = pathOfAccount(id);
        if (signInNeeded) return go(`${path}/sign-in`, `The account ${id} is there. ${tried}`);
        const next = 'No agent sees it until you give it to one, with its keys or its mandate.';
        return trouble === null
          ? go(path, `The account ${id} is there. ${tried} ${next}`)
          : go(path, { warning: `The account ${id} is there, and does not work yet: ${trouble}` });
      },
    }),
  },
});
