"""Understand: what the strides of a session say."""
