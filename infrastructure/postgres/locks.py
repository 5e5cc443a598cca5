"""The numbers of all advisory locks, which the whole database shares.

| lock | number | held by | for as long as |
|---|---|---|---|
| migration | 7461726400 | `operations/migrate.py` | the tables are made or changed |
| append | 7461726401 | `append_events`, `operations/transfer.py` | a transaction that appends |
| runner | 7461, name | `consumers/runner.py` (leader election) | the leader's session |
| rebuild | 7462, name | `read_models/rebuild.py` | a copy is filled |
| start | 7463, chance | `postgres/requirements.py` | a start looks whether locks last |
"""

from zlib import crc32

MIGRATION = 7461726400
APPEND = 7461726401
RUNNER, REBUILD, START = 7461, 7462, 7463  # classes: each lock has a name in its class


def named(lock_class: int, name: str) -> tuple[int, int]:
    """The lock of `name` in its class, as PostgreSQL takes it: two integers of 31 bits."""
    return lock_class, crc32(name.encode()) & 0x7FFFFFFF
