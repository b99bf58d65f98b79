"""Jobs of a sweep on the workers of Dask."""
