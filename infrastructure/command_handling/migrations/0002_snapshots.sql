-- As released in 0.1.0.

-- States of long streams: a shortcut, to be thrown away at any time.
CREATE TABLE IF NOT EXISTS snapshots (
    stream_id uuid PRIMARY KEY,
    kind text NOT NULL,
    version bigint NOT NULL,
    position bigint NOT NULL,
    fingerprint bytea NOT NULL,
    state bytea NOT NULL
);
