"""The page of a sweep, made of plain values: whoever has a sweep reads them from its folder."""
