"""A session in the forms that other programs read: one module a format, each from a Session and its Analysis.

Counts stay counts, whatever the format is used to, and what is missing stays missing.
"""
