"""``polarity.predict`` says about any file exactly what the run's own predictions say about its splits."""
