-- When an event was recorded whose release wrote that into its JSON, which begins with
-- {"recorded_at":"…"; NULL where it does not.
CREATE OR REPLACE FUNCTION recorded_in(state bytea) RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN substring(state FROM 1 FOR 16) = '{"recorded_at":"'::bytea AND pg_input_is_valid(
            split_part(encode(substring(state FROM 17 FOR 32), 'escape'), '"', 1), 'timestamptz')
        THEN split_part(encode(substring(state FROM 17 FOR 32), 'escape'), '"', 1)::timestamptz
    END
$$;

-- Appends all events or none, and returns the position of the last event before them. Without any
-- it commits a message that no reader sees: once that is on the standbys, all before it is.
--
-- The lock is held until the commit is visible: positions become visible in their order and without
-- gaps, so that a reader that tails the log can never pass over one. All of an append are recorded
-- at one moment of this server's clock, or at that of the event before where the clock is behind it:
-- times never go back along the log.
--
-- `known_…` is the last event that the caller has seen (0: none). Where another stands there now, or
-- none, the log is not the one that was decided on: STALE. A version that does not follow on the
-- last one of its stream is HOLED; one that is taken violates the primary key. What a caller
-- believes cannot break the log.
CREATE OR REPLACE FUNCTION append_events(
    stream_ids uuid[],
    versions bigint[],
    topics text[],
    states bytea[],
    keys uuid[] DEFAULT '{}',
    fingerprints bytea[] DEFAULT '{}',
    key_ordinals bigint[] DEFAULT '{}',
    known_position bigint DEFAULT 0,
    known_state bytea DEFAULT NULL,
    known_recorded_at timestamptz DEFAULT NULL
) RETURNS bigint LANGUAGE plpgsql
-- Planned once for each connection, and never for the small log that it may have been at the time.
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $$
DECLARE
    base bigint;
    latest timestamptz;
    moment timestamptz;
    is_the_same boolean;
BEGIN
    PERFORM pg_advisory_xact_lock(7461726401);
    SELECT e.notification_id, coalesce(e.recorded_at, recorded_in(e.state)),
        known_position = 0 OR EXISTS (
            SELECT FROM stored_events k WHERE k.notification_id = known_position
            AND k.state = known_state
            AND coalesce(k.recorded_at = known_recorded_at, true))
    INTO base, latest, is_the_same
    FROM stored_events e ORDER BY e.notification_id DESC LIMIT 1;
    base := coalesce(base, 0);
    IF cardinality(stream_ids) = 0 THEN
        PERFORM pg_logical_emit_message(true, 'shop', ''::text);
    END IF;
    IF NOT coalesce(is_the_same, known_position = 0) THEN
        RAISE EXCEPTION 'the log is another one than was decided on' USING ERRCODE = 'STALE';
    END IF;
    moment := greatest(clock_timestamp(), latest);
    INSERT INTO stored_events
        (originator_id, originator_version, topic, state, notification_id, recorded_at)
    SELECT e.stream_id, e.version, e.topic, e.state, base + e.ordinal, moment
    FROM unnest(stream_ids, versions, topics, states)
        WITH ORDINALITY AS e (stream_id, version, topic, state, ordinal);
    -- After the insert, so that events of one append may follow on one another. A stream begins with
    -- 1, or with 0 as some of the library's do.
    IF 1 < ANY (versions) AND EXISTS (
        SELECT FROM unnest(stream_ids, versions) AS e (stream_id, version)
        WHERE e.version > 1 AND NOT EXISTS (
            SELECT FROM stored_events s
            WHERE s.originator_id = e.stream_id AND s.originator_version = e.version - 1)
    ) THEN
        RAISE EXCEPTION 'an event does not follow on the last one of its stream'
            USING ERRCODE = 'HOLED';
    END IF;
    IF cardinality(keys) > 0 THEN
        INSERT INTO idempotency_keys (key, fingerprint, position)
        SELECT k.key, k.fingerprint, base + k.ordinal
        FROM unnest(keys, fingerprints, key_ordinals) AS k (key, fingerprint, ordinal);
    END IF;
    PERFORM pg_notify('stored_events', (base + cardinality(stream_ids))::text);
    RETURN base;
END
$$;

-- For people with psql.
CREATE OR REPLACE VIEW event_log AS
SELECT
    notification_id AS position,
    originator_id AS stream_id,
    originator_version AS version,
    topic AS type,
    coalesce(recorded_at, (e.body ->> 'recorded_at')::timestamptz) AS recorded_at,
    (e.body ->> 'actor_id')::uuid AS actor_id,
    (e.body ->> 'correlation_id')::uuid AS correlation_id,
    e.body ->> 'causation_id' AS causation_id,
    e.body -> 'data' AS data
FROM stored_events, LATERAL (SELECT convert_from(state, 'UTF8')::jsonb AS body) AS e;
