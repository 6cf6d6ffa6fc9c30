"""Decides recorded barge-ins again, with the real arbiter and other settings."""
