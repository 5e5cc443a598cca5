"""Tests of the command table and of the place-order saga."""
