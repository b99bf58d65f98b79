"""Tables and figures, on the console and in the run's folder."""
