-- Whose positions a reduction may take from, as it was cleared: its agent's own, or the account's (may_reduce: account).
ALTER TABLE orders ADD COLUMN reach TEXT NOT NULL DEFAULT 'own' CHECK (reach IN ('own', 'account'));

-- Until now that was read off the mandates that had been in force since the order was placed.
UPDATE orders SET reach = 'account'
WHERE effect = 'reducing' AND origin <> 'flatten' AND EXISTS (
  SELECT 1 FROM mandates m, json_each(m.document, '$.accounts') named
  WHERE m.agent_id = orders.agent_id AND m.document ->> '$.may_reduce' = 'account' AND named.value = orders.account_id
    AND NOT EXISTS (
      SELECT 1 FROM mandates later
      WHERE later.agent_id = m.agent_id AND later.version > m.version AND later.created_at <= orders.created_at
    )
);
