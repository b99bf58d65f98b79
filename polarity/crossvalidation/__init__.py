"""Cross-validation of a whole training: each fold is an ordinary run on other rows."""
