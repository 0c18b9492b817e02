-- Who wrote a version of a mandate: the owner, or its agent, which may only make it tighter.
ALTER TABLE mandates ADD COLUMN author TEXT NOT NULL DEFAULT 'owner' CHECK (author IN ('owner', 'agent'));
