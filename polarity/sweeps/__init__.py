"""Sweeps: a folder that knows what was asked, a run for each job, and whoever runs what is missing."""
