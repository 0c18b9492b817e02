/** Settings of a paper account, and the three presets as data: how hard its market is. */
import { z } from 'zod';
import { isDecimalText } from '#domain/decimal.ts';

export const PRESETS = ['friendly', 'realistic', 'hostile'] as const;
export type Preset = (typeof PRESETS)[number];

export const paperSettings = z.strictObject({
  preset: z.enum(PRESETS),
  /** Every draw of the account follows from it: same tape and seed, same journal. */
  seed: z.int(),
  /** The opening deposit, in the tape's quote currency. */
  cash: z
    .string()
    .refine((text) => isDecimalText(text) && !text.startsWith('-'), 'a decimal string that is not negative'),
  accountType: z.enum(['cash', 'margin']),
});
export type PaperSettings = z.output<typeof paperSettings>;

/** What the hostile venue gets wrong, chances in percent. Its books are right: only what it says about them is not. */
export interface Faults {
  readonly rejectPercent: number;
  /** The request never reached the venue, and the caller is told nothing. */
  readonly requestLostPercent: number;
  /** The venue did it, and the caller is told nothing. */
  readonly answerLostPercent: number;
  readonly queryFailsPercent: number;
  readonly eventRepeatedPercent: number;
  readonly eventDelayedPercent: number;
  /** A delayed event arrives up to so many deliveries later. */
  readonly eventDelayMax: number;
}

export interface PaperRules {
  /** Steps an order waits before it can meet one, on top of the rule that it only meets newer ones. */
  readonly latencySteps: { readonly min: number; readonly max: number };
  /**
   * `penetrate`: a resting limit needs the far side at its price, which on a tape of trades means that they went
   * through it. `touch`: a trade at the limit is enough.
   */
  readonly limitFills: 'penetrate' | 'touch';
  /** Whether an order can take no more than what is displayed. */
  readonly displayedSize: boolean;
  /** Chance in percent that only a part of what could be taken is. */
  readonly partialPercent: number;
  /** Volume-share slippage of market orders. */
  readonly slippage: boolean;
  readonly faults: Faults | null;
}

export const PRESET_RULES: { readonly [preset in Preset]: PaperRules } = {
  friendly: {
    latencySteps: { min: 0, max: 0 },
    limitFills: 'touch',
    displayedSize: false,
    partialPercent: 0,
    slippage: false,
    faults: null,
  },
  realistic: {
    latencySteps: { min: 1, max: 2 },
    limitFills: 'penetrate',
    displayedSize: true,
    partialPercent: 20,
    slippage: true,
    faults: null,
  },
  hostile: {
    latencySteps: { min: 1, max: 4 },
    limitFills: 'penetrate',
    displayedSize: true,
    partialPercent: 40,
    slippage: true,
    faults: {
      rejectPercent: 5,
      requestLostPercent: 5,
      answerLostPercent: 15,
      queryFailsPercent: 10,
      eventRepeatedPercent: 20,
      eventDelayedPercent: 20,
      eventDelayMax: 3,
    },
  },
};
