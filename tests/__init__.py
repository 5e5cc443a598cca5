"""Tests, against real PostgreSQL wherever there is SQL."""
