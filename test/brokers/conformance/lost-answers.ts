/** The ways in which an answer is lost, after each of which nobody knows whether the venue did what it was asked. */
import type { WireFault } from './bench.ts';

export interface LostAnswer {
  readonly name: string;
  readonly answer: WireFault['answer'];
}

export const LOST_ANSWERS: readonly LostAnswer[] = [
  { name: 'silent', answer: { kind: 'silent' } },
  { name: 'reset', answer: { kind: 'reset' } },
  { name: 'cut', answer: { kind: 'cut' } },
  { name: 'malformed', answer: { kind: 'malformed' } },
  { name: '500', answer: { kind: 'status', status: 500 } },
  { name: '502', answer: { kind: 'status', status: 502 } },
  { name: '504', answer: { kind: 'status', status: 504 } },
];
