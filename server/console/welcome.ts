/** The first run: authenticator, recovery codes, paper account, an agent and its first order, one step a page until it is done. */
import { z } from 'zod';
import { type Refusal, refuse } from '#domain/refusal.ts';
import { err, ok, type Result } from '#domain/result.ts';
import { codeField } from './code-form.ts';
import {
  action,
  definePage,
  go,
  type Outcome,
  type OwnerVisit,
  type PageData,
  refused,
  show,
} from './define.ts';
import { offerView, PURPOSES, purposesFrom, purposesInput } from './second-factor-form.ts';
import { accountInput, accountStep, chooseAccount } from './welcome-account.ts';
import { agentStep, connectsAs, makeAgent, makeKey, newAgentInput, newKeyInput } from './welcome-agent.ts';
import { orderStep } from './welcome-order.ts';
import { stepNow } from './welcome-progress.ts';
import { type Step, shownStep, stepList } from './welcome-steps.ts';

const HERE = '/admin/welcome';
const noFields = z.strictObject({});

export const welcome = definePage({
  path: '/welcome',
  title: 'Welcome',
  view: 'welcome.html',
  scripts: ['copy.js', 'welcome.js'],
  // Over once and for all: what it leads to has pages of its own.
  away: ({ services }) => (services.access.firstRun.isOver() ? '/admin' : undefined),
  async load(visit) {
    const current = stepNow(visit.services);
    const shown = shownStep(current, visit.query['step'], connectsAs(visit.services) !== undefined);
    const data = await dataOf(visit, shown);
    if (!data.ok) return data;
    return ok({ step: shown, steps: stepList(current, shown), is_done: current === 'done', ...data.value });
  },
  actions: {
    'begin-again': action({
      input: noFields,
      proof: 'recent',
      run(visit) {
        if (stepNow(visit.services) === 'authenticator') visit.services.access.owner.beginTotp();
        return go(HERE);
      },
    }),
    authenticator: action({
      input: purposesInput.extend({ code: codeField }),
      proof: 'recent',
      run(visit, { code, purpose }) {
        // An authenticator that is enrolled is replaced under Security, which asks for a code of it.
        if (stepNow(visit.services) !== 'authenticator') return go(HERE);
        const { owner, firstRun } = visit.services.access;
        const enrolled = owner.confirmTotp(code, visit.session.id);
        if (!enrolled.ok) return refused(enrolled.error);
        const saved = owner.setPurposes(purposesFrom({ purpose }));
        if (!saved.ok) return refused(saved.error);
        firstRun.forgetRecovery();
        return show({ codes: enrolled.value.recoveryCodes });
      },
    }),
    'new-codes': action({
      input: noFields,
      proof: 'recent',
      run(visit) {
        if (stepNow(visit.services) !== 'recovery') return go(HERE);
        const { owner, firstRun } = visit.services.access;
        firstRun.forgetRecovery();
        return show({ codes: owner.newRecoveryCodes() });
      },
    }),
    recovery: action({
      input: z.strictObject({ code: codeField }),
      run(visit, { code }) {
        if (stepNow(visit.services) !== 'recovery') return go(HERE);
        const { owner, firstRun } = visit.services.access;
        if (!owner.confirmRecoveryCode(code)) return refused(NOT_A_RECOVERY_CODE);
        firstRun.keepRecovery();
        return go(HERE);
      },
    }),
    account: action({ input: accountInput, proof: 'recent', run: secured(chooseAccount) }),
    agent: action({ input: newAgentInput, proof: 'recent', run: secured(makeAgent) }),
    key: action({ input: newKeyInput, proof: 'recent', run: secured(makeKey) }),
    finish: action({
      input: noFields,
      run: secured((visit) => {
        const done = stepNow(visit.services) === 'done';
        visit.services.access.firstRun.end(done ? 'finished' : 'dismissed');
        return go(
          '/admin',
          done ? undefined : 'The rest is left out. Agents and Connect are where it goes on.',
        );
      }),
    }),
  },
});

const NOT_A_RECOVERY_CODE = refuse(
  'invalid_input',
  'That is none of your recovery codes. Look for a mistyped letter, or make new codes.',
);

/** Nothing that widens before the gateway is secured. */
function secured<I>(run: (visit: OwnerVisit, input: I) => Promise<Outcome> | Outcome) {
  return (visit: OwnerVisit, input: I): Promise<Outcome> | Outcome => {
    const step = stepNow(visit.services);
    return step === 'authenticator' || step === 'recovery' ? go(HERE) : run(visit, input);
  };
}

async function dataOf(visit: OwnerVisit, step: Step | 'done'): Promise<Result<PageData, Refusal>> {
  const { owner } = visit.services.access;
  switch (step) {
    case 'owner':
      return err(refuse('not_found', 'There is nothing at this address.'));
    case 'authenticator':
      return ok({ offer: offerView(owner.begunTotp() ?? owner.beginTotp()), purposes: PURPOSES });
    case 'recovery':
      return ok({ codes_left: owner.record()?.recoveryCodesLeft ?? 0 });
    case 'account':
      return accountStep(visit);
    case 'agent':
      return ok(await agentStep(visit));
    case 'order':
    case 'done':
      return ok(orderStep(visit));
    default:
      return step satisfies never;
  }
}
