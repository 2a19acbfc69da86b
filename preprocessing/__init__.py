"""Pixels and boxes before the network."""
