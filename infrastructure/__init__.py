"""All that touches the outside: event store, PostgreSQL, runners, mail, settings."""
