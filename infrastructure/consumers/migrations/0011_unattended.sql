-- How long nobody did the runner's work, as far as the runner has not made up for it yet.
ALTER TABLE runners ADD COLUMN IF NOT EXISTS unattended interval NOT NULL DEFAULT '0';
