/** The index of orders follows the record in whichever process writes it. */
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { openChain } from '#audit/chain.ts';
import { prepare } from '#audit/event.ts';
import { orderLines } from '#audit/order-index.ts';
import { auditRows } from '#audit/rows.ts';
import { AUDIT_ORDERS_BEHIND_MAX } from '#limits.ts';
import { openKeyring } from '#store/keyring.ts';
import { openStore } from '#store/open.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** Two processes at one data folder, as when a command was begun before the engine. */
function writers() {
  const folder = temporaryFolder();
  const keyring = openKeyring(join(folder, 'keys'));
  const open = () => {
    const store = openStore(join(folder, 'data'));
    onTestFinished(() => store.close());
    const rows = auditRows(store, openChain(keyring));
    let orders = 0;
    return {
      store,
      write: (count: number, name: string) =>
        store.transaction(() => {
          for (let n = 0; n < count; n++) {
            const detail = { order_id: `ord_${name}${++orders}` };
            rows.append(prepare({ kind: 'order.created', outcome: 'ok', detail }, 1_000));
          }
        }),
    };
  };
  return [open(), open()] as const;
}

it('each goes on where the other has left it, and every line is found once', () => {
  const [one, other] = writers();
  for (let round = 0; round < 3; round++) {
    one.write(AUDIT_ORDERS_BEHIND_MAX + 1, 'a');
    other.write(AUDIT_ORDERS_BEHIND_MAX + 1, 'b');
  }
  const find = orderLines(one.store);
  for (const name of ['a', 'b'])
    for (const number of [1, AUDIT_ORDERS_BEHIND_MAX, 3 * (AUDIT_ORDERS_BEHIND_MAX + 1)])
      expect(find(`ord_${name}${number}`, { from: 0, newestFirst: false, limit: 9 })).toHaveLength(1);
});
