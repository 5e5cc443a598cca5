-- As released in 0.1.0.

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
