# Starts the insole, and says why when it cannot; called by the launcher. Ctrl-C, `leave` and safe mode end in the REPL:
# the watchdog is then set to its longest time-out, since it cannot be stopped. A crash is printed, counted and answered
# by a reset; so is a hang, by the watchdog. Three in a row mean safe mode: nothing of the application runs until the
# next reset. So does the button, pressed while the LED is on during the first second after power-on (held earlier it
# would be the chip's own loader that starts, for it is the BOOT button). Of a version on trial no crash is counted: it
# is over with the reset, and the version before has done nothing.
import gc
import os
import sys
from time import ticks_diff, ticks_ms

import micropython
from machine import PWRON_RESET, WDT, WDT_RESET, idle, reset, reset_cause

micropython.alloc_emergency_exception_buf(100)
gc.threshold(4096)  # while importing: what that leaves behind would lie in pieces all over a small heap

_WATCHDOG_MS = 8000
_LONGEST_MS = 2**30 - 1
_CRASH_LIMIT = 3
_BUTTON_MS = 1000
_SETTINGS = "settings.json"  # there until the first start has taken it


# `trial` is the launcher's word on a version that a host has yet to keep, None on one that is kept.
def main(trial):
    from .board import Board
    from .memory import Memory

    memory = Memory()
    if there_is(_SETTINGS):
        from .first import take

        take(_SETTINGS, memory)
    memory.count("boot")
    if trial:
        memory.forgive()
    elif reset_cause() == WDT_RESET:
        memory.count("crashes")
    board = Board(memory.get("board", -1), memory.get("zones", -1))
    if memory.get("crashes", 0) >= _CRASH_LIMIT or (reset_cause() == PWRON_RESET and button_pressed(board)):
        memory.forgive()
        say("retrosole: safe mode; reset to try again")
        return
    run(board, memory, trial)


def run(board, memory, trial):
    app = None
    try:
        from .link import Link

        link = Link()  # its queue is the largest block: made before the rest of the program is in the way
        from .app import App
        from .board import sessions
        from .faults import Faults
        from .store import Store

        gc.threshold(-1)
        app = App(board, memory, Faults(), link, Store(sessions(), memory), trial)
        app.run(WDT(timeout=_WATCHDOG_MS))
    except KeyboardInterrupt:
        pass
    except Exception as error:
        crash(app, memory, trial, error)
    WDT(timeout=_LONGEST_MS)
    if app:
        app.shut()
    say("retrosole: stopped; Ctrl-D starts it again")


def crash(app, memory, trial, error):
    say("retrosole: crashed")
    sys.print_exception(error)
    say("")
    if app:
        app.sampler.stop()  # the storage is written next, and that stops everything for a while
    if not trial or trial.kept:
        memory.count("crashes")
    reset()


def button_pressed(board):
    board.led.value(1)
    since_ms = ticks_ms()
    pressed = False
    while not pressed and ticks_diff(ticks_ms(), since_ms) < _BUTTON_MS:
        pressed = not board.button.value()
        idle()
    board.led.value(0)
    return pressed


# Text between zeros, so that it costs no frame.
def say(text):
    sys.stdout.buffer.write(b"\0")
    print(text)
    sys.stdout.buffer.write(b"\0")


def there_is(name):
    try:
        os.stat(name)
    except OSError:
        return False
    return True
