-- Says that the caller still is the runner of that name, and that it lives; raises FENCE otherwise.
-- Called in each transaction of a runner: the row's lock makes a takeover wait for the commit, and
-- the one that was taken over fail. Who was silent for longer than a runner ever is between two of
-- its heartbeats has not worked meanwhile: its process was frozen, or the machine slept.
CREATE OR REPLACE FUNCTION fence(runner text, my_epoch bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE runners SET heartbeat = clock_timestamp(), failure = NULL,
        unattended = unattended + CASE WHEN clock_timestamp() - heartbeat > interval '5 seconds'
            THEN clock_timestamp() - heartbeat ELSE '0' END
    WHERE name = runner AND epoch = my_epoch;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'another % has taken over', runner USING ERRCODE = 'FENCE';
    END IF;
END
$$;
