/** How far the first run has come, from what is true of the gateway; once everything is, it is over. */
import type { ConsoleServices } from './desks.ts';
import { connectsAs } from './welcome-agent.ts';
import { filledOrder } from './welcome-order.ts';
import { currentStep, type Step } from './welcome-steps.ts';

export function stepNow(services: ConsoleServices): Step | 'done' {
  const { owner, firstRun } = services.access;
  return currentStep({
    totp: owner.record()?.totp === true,
    recoveryKept: firstRun.isRecoveryKept(),
    accountSeen: firstRun.isAccountSeen(),
    agentConnected: connectsAs(services)?.connected === true,
    orderFilled: filledOrder(services) !== undefined,
  });
}

/** Whether who signs in goes on with it. Its last page is left by then: what has nothing left to do ends here. */
export function resumesFirstRun(services: ConsoleServices): boolean {
  const { firstRun } = services.access;
  if (!firstRun.isOpen()) return false;
  if (stepNow(services) !== 'done') return true;
  firstRun.end('finished');
  return false;
}
