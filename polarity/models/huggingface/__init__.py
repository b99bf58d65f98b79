"""Encoders of Hugging Face transformers: tokens in, one vector per row out."""
