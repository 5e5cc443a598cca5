-- The log. As released in 0.1.0.

-- The columns are those of the eventsourcing library, so that its recorders and tools work on it:
-- a stream's id and version, the event's class name, its JSON, and its position in the whole log.
CREATE TABLE IF NOT EXISTS stored_events (
    originator_id uuid NOT NULL,
    originator_version bigint NOT NULL,
    topic text NOT NULL,
    state bytea NOT NULL,
    notification_id bigint NOT NULL,
    PRIMARY KEY (originator_id, originator_version)
) WITH (
    -- Rows are never updated: only statistics and the visibility map have to be kept.
    autovacuum_analyze_scale_factor = 0.05,
    autovacuum_vacuum_insert_scale_factor = 0.05
);
CREATE UNIQUE INDEX IF NOT EXISTS stored_events_notification_id_idx ON stored_events (notification_id);

CREATE TABLE IF NOT EXISTS idempotency_keys (
    key uuid PRIMARY KEY,
    fingerprint bytea NOT NULL,
    position bigint NOT NULL
);
