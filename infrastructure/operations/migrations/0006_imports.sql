-- As released in 0.1.0.

-- Logs that were imported into this shop, or are being imported while `finished_at` is null.
CREATE TABLE IF NOT EXISTS imports (
    sha256 text PRIMARY KEY,
    events bigint NOT NULL,
    begun_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz
);
