/** What a new agent is called that is made for a client: after the client, and never like one that there is. */
import { refusedName } from '#access/agent-name.ts';

const NAMELESS = 'remote-client';
/** As NAME_PATTERN has it. */
const NAME_LENGTH_MAX = 40;

/**
 * `Claude Code (work)` → `claude-code-work`, `claude-code-work-2` and so on. The name is the client's own word for itself, so it
 * only ever gives a free name: one that is taken or reserved must not come to mean somebody else.
 */
export function newAgentName(clientName: string, isTaken: (name: string) => boolean): string {
  const stem = stemOf(clientName);
  for (let count = 1; ; count++) {
    const suffix = count === 1 ? '' : `-${count}`;
    const name = stem.slice(0, NAME_LENGTH_MAX - suffix.length) + suffix;
    if (refusedName(name) === undefined && !isTaken(name)) return name;
  }
}

function stemOf(clientName: string): string {
  const plain = clientName
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9_.-]+/g, '-')
    .replace(/^[^a-z0-9]+/, '')
    .slice(0, NAME_LENGTH_MAX)
    .replace(/[^a-z0-9]+$/, '');
  return plain === '' ? NAMELESS : plain;
}
