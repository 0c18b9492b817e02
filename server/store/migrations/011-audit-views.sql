-- The owner's views of the record. One index serves every mixture of agent, kind, tool, outcome and time (audit/search.ts) at
-- the price of less than the two that it replaces.
DROP INDEX audit_by_agent;
DROP INDEX audit_by_kind;
CREATE INDEX audit_by_subject ON audit (agent, kind, tool, outcome, time);

-- Which lines are of which order. It follows the record some lines behind (audit/order-index.ts): its lines come apart in time, and an
-- entry with every line would cost an order a page of the disk each time.
CREATE TABLE audit_orders (
  order_id TEXT NOT NULL,
  seq      INTEGER NOT NULL,
  PRIMARY KEY (order_id, seq)
) STRICT, WITHOUT ROWID;
CREATE TABLE audit_orders_indexed (
  id       INTEGER PRIMARY KEY CHECK (id = 1),
  last_seq INTEGER NOT NULL
) STRICT;
INSERT INTO audit_orders_indexed (id, last_seq) SELECT 1, coalesce(max(seq), 0) FROM audit;
INSERT INTO audit_orders (order_id, seq)
  SELECT line ->> '$.detail.order_id', seq FROM audit
  WHERE instr(line, '"order_id":') > 0 AND typeof(line ->> '$.detail.order_id') = 'text'
    AND coalesce(line ->> '$.scope', '') NOT GLOB 'read:*'
  ORDER BY 1, 2;
