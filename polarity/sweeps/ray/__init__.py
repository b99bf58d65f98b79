"""Jobs of a sweep on the machines of a cluster of Ray."""
