"""What can be said about data before anything is trained. One check a file; `result.py` says what they find."""
