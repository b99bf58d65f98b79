"""Launchers that Hydra finds by the name of the package around them."""
