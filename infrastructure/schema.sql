-- The event store, what runs beside it, and the one function that appends to it.

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

-- States of long streams: a shortcut, to be thrown away at any time.
CREATE TABLE IF NOT EXISTS snapshots (
    stream_id uuid PRIMARY KEY,
    kind text NOT NULL,
    version bigint NOT NULL,
    position bigint NOT NULL,
    fingerprint bytea NOT NULL,
    state bytea NOT NULL
);

CREATE TABLE IF NOT EXISTS notification_tracking (
    application_name text PRIMARY KEY,
    notification_id bigint NOT NULL
) WITH (fillfactor = 10);

-- One row a kind of runner. Whoever holds the kind's advisory lock counts `epoch` up and writes
-- only while it is still the same; the heartbeat tells a frozen holder from a working one. `failure`
-- is why it could not work when it last tried.
CREATE TABLE IF NOT EXISTS runners (
    name text PRIMARY KEY,
    epoch bigint NOT NULL,
    holder text NOT NULL,
    backend_pid integer NOT NULL,
    heartbeat timestamptz NOT NULL,
    failure text
) WITH (fillfactor = 10);

-- What the runners measure, in Prometheus' text format; not in the row above, which every batch
-- writes anew.
CREATE TABLE IF NOT EXISTS runner_figures (
    name text PRIMARY KEY,
    figures text NOT NULL
) WITH (fillfactor = 10);

-- Executions that were not finished at the end of a batch: what runs, waits or is stuck.
CREATE TABLE IF NOT EXISTS processes (
    execution_id uuid PRIMARY KEY,
    order_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    name text NOT NULL,
    step text NOT NULL,
    state jsonb NOT NULL,
    started_at timestamptz NOT NULL,
    since timestamptz NOT NULL,
    due_at timestamptz NOT NULL
);

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

-- Events that a consumer could not process, and those of the same process or stream behind them.
CREATE TABLE IF NOT EXISTS parked_events (
    consumer text NOT NULL,
    position bigint NOT NULL,
    belongs_to uuid NOT NULL,
    error text,
    attempts integer NOT NULL DEFAULT 0,
    parked_at timestamptz NOT NULL,
    -- Set by an operator; the consumer then tries again.
    retry_at timestamptz,
    retried_by text,
    reason text,
    PRIMARY KEY (consumer, position)
);
CREATE INDEX IF NOT EXISTS parked_events_belongs_to_idx ON parked_events (consumer, belongs_to, position);

-- Logs that were imported into this shop, or are being imported while `finished_at` is null.
CREATE TABLE IF NOT EXISTS imports (
    sha256 text PRIMARY KEY,
    events bigint NOT NULL,
    begun_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz
);

-- What an operator has decided that a consumer shall never process.
CREATE TABLE IF NOT EXISTS dropped_events (
    consumer text NOT NULL,
    position bigint NOT NULL,
    belongs_to uuid NOT NULL,
    error text,
    attempts integer NOT NULL,
    parked_at timestamptz NOT NULL,
    dropped_at timestamptz NOT NULL DEFAULT now(),
    dropped_by text NOT NULL,
    reason text NOT NULL,
    PRIMARY KEY (consumer, position)
);

-- Appends all events or none, and returns the position of the last event before them.
-- The lock is held until the commit is visible: positions become visible in their order and without
-- gaps, so that a reader that tails the log can never pass over one.
CREATE OR REPLACE FUNCTION append_events(
    stream_ids uuid[],
    versions bigint[],
    topics text[],
    states bytea[],
    keys uuid[] DEFAULT '{}',
    fingerprints bytea[] DEFAULT '{}',
    key_ordinals bigint[] DEFAULT '{}'
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    base bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(7461726401);
    SELECT coalesce(max(notification_id), 0) INTO base FROM stored_events;
    INSERT INTO stored_events (originator_id, originator_version, topic, state, notification_id)
    SELECT e.stream_id, e.version, e.topic, e.state, base + e.ordinal
    FROM unnest(stream_ids, versions, topics, states)
        WITH ORDINALITY AS e (stream_id, version, topic, state, ordinal);
    IF cardinality(keys) > 0 THEN
        INSERT INTO idempotency_keys (key, fingerprint, position)
        SELECT k.key, k.fingerprint, base + k.ordinal
        FROM unnest(keys, fingerprints, key_ordinals) AS k (key, fingerprint, ordinal);
    END IF;
    PERFORM pg_notify('stored_events', (base + cardinality(stream_ids))::text);
    RETURN base;
END
$$;

-- Says that the caller still is the runner of that name, and that it lives; raises FENCE otherwise.
-- Called in each transaction of a runner: the row's lock makes a takeover wait for the commit, and
-- the one that was taken over fail.
CREATE OR REPLACE FUNCTION fence(runner text, my_epoch bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE runners SET heartbeat = clock_timestamp(), failure = NULL
    WHERE name = runner AND epoch = my_epoch;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'another % has taken over', runner USING ERRCODE = 'FENCE';
    END IF;
END
$$;

-- For people with psql.
CREATE OR REPLACE VIEW event_log AS
SELECT
    notification_id AS position,
    originator_id AS stream_id,
    originator_version AS version,
    topic AS type,
    (e.body ->> 'recorded_at')::timestamptz AS recorded_at,
    (e.body ->> 'actor_id')::uuid AS actor_id,
    (e.body ->> 'correlation_id')::uuid AS correlation_id,
    e.body ->> 'causation_id' AS causation_id,
    e.body -> 'data' AS data
FROM stored_events, LATERAL (SELECT convert_from(state, 'UTF8')::jsonb AS body) AS e;
