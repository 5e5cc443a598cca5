-- Rows of read models that were put right behind what those who follow had already seen: by trying
-- again what was parked, or by another copy. `id` is null where it may be any row of the kind. The
-- projector's row in `runners` is held while something is added, so numbers are seen in their order.
CREATE TABLE repaired_rows (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL,
    id uuid,
    repaired_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
