"""Predicting a file: it is read, classified and written in parts, so that it may be larger than memory.

A :class:`~polarity.prediction.source.Source` hands out :class:`~polarity.prediction.chunk.Chunk` after chunk; a
:class:`~polarity.prediction.predictor.Predictor` says what the model makes of their texts; a
:class:`~polarity.prediction.sink.Sink` writes all columns of the input and those that are added. Each format is one
file.
"""
