"""An encoder that needs no pretraining: word and character n-grams, weighted by how rare they are."""
