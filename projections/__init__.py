"""Read models: what the events mean as rows, and the queries on them."""
