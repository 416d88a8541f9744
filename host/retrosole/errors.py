"""Everything that can go wrong for a user, as one small tree.

A message says what failed, what was got and expected, and what to do next, in one line. The command line prints
it and leaves with the class's exit code; a notebook catches `RetrosoleError`.
"""

from __future__ import annotations


class RetrosoleError(Exception):
    """Stand at the root of every error that this package raises on purpose."""

    exit_code = 1


class UsageError(RetrosoleError):
    """Say that what was asked for cannot be done as asked."""

    exit_code = 2


class NoDeviceError(RetrosoleError):
    """Say that no insole answered, or more than one did."""

    exit_code = 3


class PortError(RetrosoleError):
    """Say that a port could not be opened, or went away."""

    exit_code = 4


class ProtocolError(RetrosoleError):
    """Say that the other side speaks something this version does not understand, or refused a command."""

    exit_code = 5


class DamagedDataError(RetrosoleError):
    """Say that a file is torn, foreign or not readable as what it should be."""

    exit_code = 6


class StorageError(RetrosoleError):
    """Say that the disk refused what had to be written."""

    exit_code = 7
