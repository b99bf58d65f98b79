"""The report of one run, made from its folder alone."""
