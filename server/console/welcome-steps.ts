/** The steps of the first run: which are done follows from what is true of the gateway, so that it goes on after any interruption. */

/** `owner` is the setup page; the others are the first run under the session. */
export const STEPS = [
  { id: 'owner', label: 'You' },
  { id: 'authenticator', label: 'Authenticator' },
  { id: 'recovery', label: 'Recovery codes' },
  { id: 'account', label: 'Paper account' },
  { id: 'agent', label: 'Agent' },
  { id: 'order', label: 'First order' },
] as const;
export type Step = (typeof STEPS)[number]['id'];

/** What is true. */
export interface FirstRunFacts {
  readonly totp: boolean;
  readonly recoveryKept: boolean;
  readonly accountSeen: boolean;
  readonly agentConnected: boolean;
  readonly orderFilled: boolean;
}

/** The first that is not done; `done` when all are. */
export function currentStep(facts: FirstRunFacts): Step | 'done' {
  if (!facts.totp) return 'authenticator';
  if (!facts.recoveryKept) return 'recovery';
  // What comes later may be done elsewhere, and then nothing before it is asked for again.
  if (facts.orderFilled) return 'done';
  if (facts.agentConnected) return 'order';
  return facts.accountSeen ? 'agent' : 'account';
}

/** The one that was asked for, where it can be looked at already: what secures the gateway comes first and is never gone back to. */
export function shownStep(
  current: Step | 'done',
  asked: string | undefined,
  agentMade: boolean,
): Step | 'done' {
  if (current === 'authenticator' || current === 'recovery') return current;
  if (asked === 'account' || asked === 'agent') return asked;
  return asked === 'order' && agentMade ? asked : current;
}

export interface StepView {
  readonly id: Step;
  readonly label: string;
  readonly state: 'done' | 'here' | 'ahead';
  /** Where it can be looked at again. */
  readonly href: string | null;
}

const AT: readonly (Step | 'done')[] = [...STEPS.map(({ id }) => id), 'done'];
const REVISITED: readonly Step[] = ['account', 'agent', 'order'];

/** `current` is how far it has come, `here` what is shown. */
export function stepList(current: Step | 'done', here: Step | 'done' = current): readonly StepView[] {
  return STEPS.map(({ id, label }) => {
    const isDone = AT.indexOf(id) < AT.indexOf(current);
    const reachable = REVISITED.includes(id) && (isDone || id === current) && id !== here;
    return {
      id,
      label,
      state: id === here ? 'here' : isDone ? 'done' : 'ahead',
      href: reachable ? `/admin/welcome?step=${id}` : null,
    };
  });
}
