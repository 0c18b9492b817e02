/** Other credentials for an account: tried, and in the place of those before, which are gone. */
import { refuse } from '#domain/refusal.ts';
import { err, ok } from '#domain/result.ts';
import type { BrokerFieldView } from './account-desk-views.ts';
import { atInputs, brokerFieldsInput, enteredIn, fieldRow, labelsOf, proofWords } from './account-fields.ts';
import { accountOf, accountRow, pathOfAccount } from './account-views.ts';
import { action, definePage, go, type OwnerVisit, refused } from './define.ts';

const modeOf = ({ services, params }: OwnerVisit) =>
  services.accounts.standings().find(({ id }) => id === params['account'])?.mode;

async function fieldsOf(visit: OwnerVisit): Promise<readonly BrokerFieldView[]> {
  const found = await accountOf(visit);
  return (found.ok ? found.value.real?.credentials : undefined) ?? [];
}

export const accountCredentials = definePage({
  path: '/accounts/:account/credentials',
  title: 'Change credentials',
  view: 'account-credentials.html',
  async load(visit) {
    const found = await accountOf(visit);
    if (!found.ok) return found;
    const fields = found.value.real?.credentials ?? [];
    if (fields.length === 0) return err(refuse('not_found', `${found.value.id} has no credentials.`));
    return ok({
      account: accountRow(found.value),
      fields: fields.map(fieldRow),
      labels: labelsOf(fields),
      proof: proofWords(visit),
    });
  },
  actions: {
    change: action({
      input: brokerFieldsInput,
      proof: (visit) => (modeOf(visit) === 'live' ? 'now' : 'recent'),
      provesItself: true,
      check({ services, params }, entered) {
        const { account: id = '' } = params;
        const refusal = services.accounts.whyNotCredentials(id, enteredIn(entered, 'credential'));
        return refusal === undefined ? ok(undefined) : err(refusal);
      },
      async run(visit, entered, proved) {
        const { account: id = '' } = visit.params;
        const texts = enteredIn(entered, 'credential');
        const changed = await visit.services.accounts.changeCredentials(id, texts, proved === 'now');
        if (!changed.ok) return refused(atInputs(changed.error, await fieldsOf(visit)));
        const { tried, trouble } = changed.value;
        return go(
          pathOfAccount(id),
          trouble === null
            ? `The credentials were changed. ${tried}`
            : { warning: `The credentials were changed, and it does not work yet: ${trouble}` },
        );
      },
    }),
  },
});
