"""The business, as pure functions on plain data: no clock, no random, no I/O."""
