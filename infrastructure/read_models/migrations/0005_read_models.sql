-- As released in 0.1.0.

-- One row a read model: what of the log it has seen, and which code has made it. Nobody else may
-- fill it; `migrate` makes a copy by the present code and switches to it.
CREATE TABLE IF NOT EXISTS projections (
    name text PRIMARY KEY,
    version integer NOT NULL,
    fingerprint text NOT NULL,
    position bigint NOT NULL
) WITH (fillfactor = 10);

-- Copies of read models beside the live ones: the `next`, which is being filled, and the `previous`,
-- which was live before. Their tables are in the schemas `<name>_next` and `<name>_previous`.
CREATE TABLE IF NOT EXISTS projection_copies (
    name text NOT NULL,
    copy text NOT NULL,
    version integer NOT NULL,
    fingerprint text NOT NULL,
    position bigint NOT NULL,
    begun_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (name, copy)
) WITH (fillfactor = 10);
