/** Tells the story: numbered chapters, a few lines each. */
import type { Terminal } from '#cli/command.ts';

export interface Teller {
  readonly chapter: (title: string) => void;
  readonly line: (text: string) => void;
}

export function tellerTo({ say }: Pick<Terminal, 'say'>): Teller {
  let number = 0;
  return {
    chapter(title) {
      number++;
      say('');
      say(`${number}. ${title}`);
    },
    line: (line) => say(`   ${line}`),
  };
}
