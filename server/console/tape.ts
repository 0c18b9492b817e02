/** The tape that paper accounts trade on: where it stands, how fast it goes, and another one for the next start. */
import { z } from 'zod';
import { text } from '#domain/decimal.ts';
import { ok } from '#domain/result.ts';
import { action, definePage, go, refused, show } from './define.ts';
import type { TapeChoice, TapeWeighed } from './desks.ts';

/** A path of the file system may be long. */
const wanted = z.strictObject({ PAPER_TAPE: z.string().max(1_000), PAPER_SYMBOL: z.string().max(40) });

export const tape = definePage({
  path: '/tape',
  title: 'Tape',
  view: 'tape.html',
  load: ({ services }) => ok({ tape: services.accounts.tape() }),
  actions: {
    // Reads a file of the machine and quotes what is wrong with it: by no link, and not for who finds the browser open.
    look: action({
      input: wanted,
      proof: 'recent',
      async run({ services }, { PAPER_TAPE: file, PAPER_SYMBOL: symbol }) {
        const weighed = await services.accounts.weighTape(choiceOf({ file, symbol }));
        if (!weighed.ok) return refused(weighed.error);
        return show({ choice: { file, symbol }, weighed: shownTape(weighed.value) });
      },
    }),
    choose: action({
      input: wanted,
      proof: 'recent',
      async run({ services }, { PAPER_TAPE: file, PAPER_SYMBOL: symbol }) {
        const chosen = await services.accounts.chooseTape(choiceOf({ file, symbol }));
        if (!chosen.ok) return refused(chosen.error);
        return go(
          '/admin/tape',
          'Stored: it plays from the next start of the gateway. Until then nothing changes.',
        );
      },
    }),
    speed: action({
      input: z.strictObject({ PAPER_BAR_SECONDS: z.string().max(40) }),
      proof: 'recent',
      async run({ services }, { PAPER_BAR_SECONDS: seconds }) {
        const changed = await services.accounts.changeSpeed(seconds.trim());
        return changed.ok
          ? go('/admin/tape', `A bar takes ${seconds.trim()} seconds from now on.`)
          : refused(changed.error);
      },
    }),
  },
});

/** The sample says itself what it is of. */
const choiceOf = ({ file, symbol }: TapeChoice): TapeChoice => ({
  file: file.trim(),
  symbol: file.trim() === 'sample' ? '' : symbol,
});

const shownTape = (weighed: TapeWeighed) => ({
  ...weighed,
  positionsEnding: weighed.positionsEnding.map((position) => ({ ...position, qty: text(position.qty) })),
});
