"""Fit an insole to its wearer: its settings in words, and the load of standing on it."""
