"""Predicting in another arithmetic than a run was trained in, and what that costs."""
