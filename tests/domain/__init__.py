"""Tests of the deciders: given events, when a command, then events."""
