"""A finished run that answers: one model, several together, or all folds of a cross-validation."""
