"""Tables of rows, read and written in parts: what training drains and prediction streams.

======================================  =======================================================
``.csv``, ``.tsv`` (``.tab``)           ``delimited``: the standard library's parser, in its strict mode
``.jsonl``, ``.ndjson``, ``.json``      ``jsonlines``: one object a line
``.parquet``, ``.pq``                   ``parquet``: pyarrow
======================================  =======================================================

A :class:`~polarity.tables.reader.TableReader` hands out :class:`~polarity.tables.chunk.Chunk` after chunk: rows with
their places in the file, and the refusal of each that cannot be used. Text formats may be compressed (``.csv.gz``).

Text formats are not read by pyarrow: its CSV reader accepts text after a closing quote, tells no line, and ends at a
byte that is not of the encoding; its JSON reader guesses types, keeps one of two equal keys, and ends at a broken line.
"""
