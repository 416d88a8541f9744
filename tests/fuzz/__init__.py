"""Bad and hostile input: every reader of bytes from outside, the rules it must keep to, and coverage-guided search.

`make fuzz` searches (atheris), tests/host/test_hostile.py tries the same readers with hypothesis in a few seconds.
"""
