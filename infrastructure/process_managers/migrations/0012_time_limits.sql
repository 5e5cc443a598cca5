-- Why the execution could not be undone when its time was over, and when that is tried again.
ALTER TABLE processes ADD COLUMN IF NOT EXISTS error text;
ALTER TABLE processes ADD COLUMN IF NOT EXISTS retry_at timestamptz;
