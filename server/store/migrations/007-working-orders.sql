-- What the order line asks of working orders, without looking at all of them.
CREATE INDEX orders_reducing ON orders (account_id, instrument_id, side)
  WHERE effect = 'reducing' AND status NOT IN ('filled', 'canceled', 'rejected', 'refused', 'expired');
CREATE INDEX orders_awaiting ON orders (account_id) WHERE status IN ('pending_replace', 'pending_cancel');
CREATE INDEX holdings_by_instrument ON holdings (account_id, instrument_id);
-- Nothing asks for the orders of an account by their sequence.
DROP INDEX orders_by_account;
