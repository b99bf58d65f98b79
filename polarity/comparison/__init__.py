"""Comparing runs: what differs between their configurations, and whether their scores do."""
