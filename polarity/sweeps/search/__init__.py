"""Sweeps whose jobs are proposed one after the other, knowing how those before have done."""
