-- Arguments of lines that were written as one group are sealed as one: those of `seq` to `last_seq`. Null: of one line alone.
ALTER TABLE audit_arguments ADD COLUMN last_seq INTEGER;
