"""Several finished models as one, where validation says that they are better together. One way a file."""
