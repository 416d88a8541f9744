"""Run the command line as typed, on a computer into which no insole is plugged: virtual ones only are found.

Somebody who builds insoles may have one plugged in while the tests run; it is left alone.
"""

from __future__ import annotations

import sys

import serial.tools.list_ports

from retrosole.cli import main

if __name__ == "__main__":
    serial.tools.list_ports.comports = lambda *_options, **_more: []
    sys.argv[0] = "retrosole"
    main()
