"""From a command line to checked objects: composed by Hydra, and checked before a model loads."""
