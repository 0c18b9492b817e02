/** How far a connection came and what it waits for, from the steps that were noted and how its client stands; pure. */
import { CONNECTION_SAME_MOMENT_MS, CONNECTION_UNDER_WAY_MS } from '#limits.ts';
import {
  APPROVED_SINCE,
  answered,
  FAILURES,
  type Facts,
  HALF_DISCOVERED,
  NOT_ASKED_SINCE,
  OFF,
  OVER,
  REFRESH_FAILED,
  REVOKED,
  STAGES,
  type Stage,
  UNKNOWN_CLIENT,
  WAITS,
  WORKS,
  type Words,
} from './diagnosis-words.ts';
import {
  type Connection,
  type ConnectionStep,
  type RemoteClient,
  STEP_DONE,
  type StepReached,
} from './records.ts';

/** `unseen`: passed by on the way (nobody registers twice), or not noted. */
export type StageState = 'done' | 'failed' | 'next' | 'ahead' | 'unseen';

export interface StageView {
  readonly stage: Stage;
  readonly state: StageState;
  readonly atMs: number | null;
  readonly times: number;
  /** What was answered last, where that was not a yes. */
  readonly error: string | null;
}

/** `under_way`: something happened in this very minute. `waits`: for the owner's approval. */
export type Verdict = 'works' | 'under_way' | 'waits' | 'stuck' | 'over';

export interface Diagnosis extends Words {
  readonly stages: readonly StageView[];
  readonly verdict: Verdict;
}

/** The steps of a stage; where it stands is the latest of them. */
const STEPS_OF: Readonly<Record<Stage, readonly ConnectionStep[]>> = {
  discovery: ['challenge', 'resource_metadata', 'server_metadata'],
  registration: ['registration'],
  authorize: ['authorize'],
  approval: ['approval'],
  sign_in: ['sign_in'],
  consent: ['consent'],
  token: ['token', 'refresh'],
  first_call: ['first_call'],
};

export interface Diagnosed {
  readonly connection: Connection | undefined;
  /** undefined: an address that has not become a client. */
  readonly client: RemoteClient | undefined;
  readonly facts: Facts;
  readonly nowMs: number;
}

export function diagnose({ connection, client, facts, nowMs }: Diagnosed): Diagnosis {
  const steps = connection?.steps ?? [];
  const reached = STAGES.map((stage) => latest(stage, steps));
  const front = frontOf(reached);
  const { at, words } = whereItIs({ steps, reached, front, client, facts });
  const isClient = client !== undefined;
  const isUnasked = client?.state === 'pending' && !facts.requireApproval;
  const stages = STAGES.map((stage, index) =>
    viewOf(stage, reached[index], { front, at, index, isClient, isUnasked }),
  );
  // What the owner did is a beginning too.
  const sinceMs = Math.max(connection?.lastAtMs ?? 0, client?.decidedAtMs ?? client?.createdAtMs ?? 0);
  return {
    stages,
    verdict: verdictOf(words, { client, at, stages, freshMs: nowMs - sinceMs }),
    ...words,
  };
}

/** Being told to sign in (401) is what the step is. */
const isDone = ({ step, lastOutcome }: StepReached): boolean =>
  lastOutcome === STEP_DONE || (step === 'challenge' && FAILURES.discovery[lastOutcome] === undefined);

function latest(stage: Stage, steps: readonly StepReached[]): StepReached | undefined {
  return steps
    .filter(({ step }) => STEPS_OF[stage].includes(step))
    .reduce<StepReached | undefined>(
      (last, one) => (last && last.lastAtMs > one.lastAtMs ? last : one),
      undefined,
    );
}

/** The stage of which something was heard last; of one moment, the furthest: a page that resumes passes the ones before again. */
function frontOf(reached: readonly (StepReached | undefined)[]): number {
  const lastAtMs = Math.max(...reached.map((one) => one?.lastAtMs ?? 0));
  return reached.findLastIndex(
    (one) => one !== undefined && one.lastAtMs >= lastAtMs - CONNECTION_SAME_MOMENT_MS,
  );
}

interface Scene {
  readonly steps: readonly StepReached[];
  readonly reached: readonly (StepReached | undefined)[];
  readonly front: number;
  readonly client: RemoteClient | undefined;
  readonly facts: Facts;
}

/** `at`: the stage that is waited for, or failed; undefined: nothing is missing. */
interface Place {
  readonly at: Stage | undefined;
  readonly words: Words;
}

function whereItIs(scene: Scene): Place {
  const { client, facts, reached, front } = scene;
  if (client?.state === 'revoked') return { at: undefined, words: REVOKED };
  if (!facts.on) return { at: undefined, words: OFF };
  const isPending = client?.state === 'pending';
  if (isPending && facts.requireApproval) return { at: 'approval', words: WAITS.approval(facts) };
  const last = reached[front];
  const stage = STAGES[front];
  if (last === undefined || stage === undefined) return { at: 'authorize', words: WAITS.authorize(facts) };
  const isOver = client?.liveGrants === 0 && front >= STAGES.indexOf('token');
  // That it was refused with a token of before is what being over means.
  if (isOver && (isDone(last) || stage === 'first_call')) return { at: 'token', words: OVER };
  if (stage === 'approval' && client && !isDone(last))
    return { at: 'sign_in', words: isPending ? NOT_ASKED_SINCE : APPROVED_SINCE };
  if (!isDone(last)) return { at: stage, words: failureWords(stage, last, scene) };
  const next = nextStage(scene);
  if (next === undefined) return { at: undefined, words: WORKS };
  return { at: next, words: next === 'discovery' ? discoveryWords(scene) : WAITS[next](facts) };
}

function failureWords(stage: Stage, last: StepReached, { client, facts }: Scene): Words {
  const isAboutClient = last.lastOutcome === 'invalid_client';
  // Nobody's secret is wrong where there is no such client.
  if (isAboutClient && client === undefined) return UNKNOWN_CLIENT(facts);
  if (last.step === 'refresh' && !isAboutClient) return REFRESH_FAILED(facts);
  const told = Object.hasOwn(FAILURES[stage], last.lastOutcome)
    ? FAILURES[stage][last.lastOutcome]
    : undefined;
  return told?.(facts) ?? answered(stage, last.lastOutcome);
}

function nextStage({ steps, front, client }: Scene): Stage | undefined {
  const stage = STAGES[front];
  if (stage === 'discovery') {
    if (client !== undefined) return 'authorize';
    return steps.some(({ step }) => step === 'server_metadata') ? 'registration' : 'discovery';
  }
  // Whoever is a client here and does not wait has been approved, or needs no approval.
  return stage === 'authorize' ? 'sign_in' : STAGES[front + 1];
}

const discoveryWords = ({ steps, facts }: Scene): Words =>
  steps.some(({ step }) => step === 'resource_metadata') ? HALF_DISCOVERED(facts) : WAITS.discovery(facts);

function viewOf(
  stage: Stage,
  reached: StepReached | undefined,
  o: {
    readonly front: number;
    readonly at: Stage | undefined;
    readonly index: number;
    /** Of which the owner's word is known, whatever it was told while it waited. */
    readonly isClient: boolean;
    /** It is let in by sign-in and consent: no approval is done, or to be waited for. */
    readonly isUnasked: boolean;
  },
): StageView {
  const isBeyond = o.index > o.front;
  // That it was not let in yet is what it waited for.
  const isAsked = o.isClient && stage === 'approval';
  const error = reached && !isDone(reached) && !isBeyond && !isAsked ? reached.lastOutcome : null;
  const state = (): StageState => {
    if (o.at === stage) return error === null ? 'next' : 'failed';
    // Of an attempt before this one.
    if (isBeyond) return 'ahead';
    return reached === undefined || (o.isUnasked && stage === 'approval') ? 'unseen' : 'done';
  };
  return {
    stage,
    state: state(),
    atMs: reached && !isBeyond ? reached.lastAtMs : null,
    times: reached?.times ?? 0,
    error,
  };
}

function verdictOf(
  words: Words,
  o: {
    readonly client: RemoteClient | undefined;
    readonly at: Stage | undefined;
    readonly stages: readonly StageView[];
    readonly freshMs: number;
  },
): Verdict {
  if (words === REVOKED || words === OFF || words === OVER) return 'over';
  if (o.at === undefined) return 'works';
  if (o.client && o.at === 'approval') return 'waits';
  if (o.stages.some(({ state }) => state === 'failed')) return 'stuck';
  return o.freshMs < CONNECTION_UNDER_WAY_MS ? 'under_way' : 'stuck';
}
