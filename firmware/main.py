# Starts the insole, and says why when it cannot. Ctrl-C, `leave` and safe mode end in the REPL: the watchdog is then
# set to its longest time-out, since it cannot be stopped. A crash is printed, counted and answered by a reset; three in
# a row, or the button held during power-on, mean safe mode: nothing of the application runs.
import sys

import micropython
from machine import WDT, reset

micropython.alloc_emergency_exception_buf(100)

_WATCHDOG_MS = 8000
_LONGEST_MS = 2**30 - 1
_CRASH_LIMIT = 3


def main():
    from insole.app import App
    from insole.board import Board
    from insole.faults import Faults
    from insole.memory import Memory

    memory = Memory()
    memory.count("boot")
    board = Board(memory.get("board", -1))
    if not board.button.value() or memory.get("crashes", 0) >= _CRASH_LIMIT:
        memory.set("crashes", 0)
        print("retrosole: safe mode; reset to try again")
        return
    app = App(board, memory, Faults())
    app.link.mark_text()
    try:
        app.run(WDT(timeout=_WATCHDOG_MS))
    except KeyboardInterrupt:
        pass
    except Exception as error:
        app.link.mark_text()
        sys.print_exception(error)
        app.link.mark_text()
        memory.count("crashes")
        reset()
    finally:
        app.shut()
        WDT(timeout=_LONGEST_MS)
    print("retrosole: stopped; main.main() starts it again")


main()
