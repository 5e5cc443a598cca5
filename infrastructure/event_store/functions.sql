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
