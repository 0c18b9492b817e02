-- What the owner's pages ask of orders: each filter finds its newest rows without looking at the others.
CREATE INDEX orders_by_account ON orders (account_id, seq);
CREATE INDEX orders_by_symbol ON orders (symbol, seq);
CREATE INDEX orders_open ON orders (seq)
  WHERE status NOT IN ('filled', 'canceled', 'rejected', 'refused', 'expired');
-- Written once, when an order ends: while it works its status is in no index.
CREATE INDEX orders_ended ON orders (status, seq)
  WHERE status IN ('filled', 'canceled', 'rejected', 'refused', 'expired');
-- The same for an agent's own ids, and for whose they are.
DROP INDEX orders_by_client_id;
CREATE INDEX orders_by_client_id ON orders (client_order_id, agent_id) WHERE client_order_id IS NOT NULL;
