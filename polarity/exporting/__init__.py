"""A run's model as a folder for other programs, with a card that says what it is, how good, and where it ends."""
