/** Signing in to a broker at its own page: how one goes there, and what becomes of coming back. */
import { z } from 'zod';
import { refuse } from '#domain/refusal.ts';
import { err, ok } from '#domain/result.ts';
import { accountOf, accountRow, pathOfAccount } from './account-views.ts';
import { action, definePage, go, refused } from './define.ts';

export const accountSignIn = definePage({
  path: '/accounts/:account/sign-in',
  title: 'Sign in at the broker',
  view: 'account-sign-in.html',
  async load(visit) {
    const found = await accountOf(visit);
    if (!found.ok) return found;
    if (found.value.real?.signsIn !== true)
      return err(refuse('not_found', `${found.value.id} needs no sign-in at its broker.`));
    const account = accountRow(found.value);
    return ok({ account, comes_back_to: `${visit.origin}${account.path}/sign-in` });
  },
  actions: {
    begin: action({
      input: z.strictObject({}),
      run({ services, params, session }) {
        const begun = services.accounts.beginSignIn(params['account'] ?? '', session.id);
        return begun.ok ? { kind: 'leave', to: begun.value.url } : refused(begun.error);
      },
    }),
  },
  comesBack: {
    by: 'state',
    async run({ services, params, session, query }) {
      const { account: id = '' } = params;
      const finished = await services.accounts.finishSignIn(id, session.id, query);
      // What the broker sent is in the address: it is left at once, whatever came of it.
      return finished.ok
        ? go(pathOfAccount(id), `You are signed in at the broker of ${id}. Its books are compared now.`)
        : go(`${pathOfAccount(id)}/sign-in`, { warning: finished.error.detail });
    },
  },
});
