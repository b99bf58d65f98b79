"""Scores from saved predictions: one definition of each, used by training, evaluation and reports alike."""
