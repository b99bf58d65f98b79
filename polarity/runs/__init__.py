"""A finished run: its folder, what is saved there, and what is done with it later."""
