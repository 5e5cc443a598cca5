-- All parts of a text that have up to three characters: what an index has to hold so that any part of
-- a text is found by it. Unlike those of extensions it knows no letters and no languages. Indexes hold
-- what it has answered: to change it, make another one.
CREATE OR REPLACE FUNCTION grams(whole text) RETURNS text[] LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT array_agg(substr(whole, start, size))
    FROM generate_series(1, char_length(whole)) AS start, generate_series(1, 3) AS size
$$;
