-- What gives the stored data its meaning, and so may not change with a setting.
CREATE TABLE facts (
    name text PRIMARY KEY,
    value text NOT NULL
);
