"""Parsing, TFRecord format, slim Dataset, label maps, generated demo data."""
