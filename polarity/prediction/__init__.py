"""Predicting a file: it is read, classified and written in parts, so that it may be larger than memory.

A reader of :mod:`polarity.tables` hands out chunk after chunk; a :class:`~polarity.prediction.predictor.Predictor` says
what the model makes of their texts; a writer puts down all columns of the input and those that are added.
"""
