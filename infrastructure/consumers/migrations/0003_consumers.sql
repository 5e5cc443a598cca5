-- Who reads the log, how far, and what could not be processed. As released in 0.1.0.

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
