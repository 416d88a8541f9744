# Runs a suite on any Python: `runner.py NAME` prints a line per test and at the end how many passed and failed.
# On MicroPython there is no pytest; on CPython tests/core/test_core.py runs the same functions with it, except those
# that need a process of their own because the stand-in modules take the place of sys and time.
import sys

import micropython


def run(name):
    module = __import__("suite." + name)
    module = getattr(module, name)
    passed = failed = 0
    for test in sorted(vars_of(module)):
        try:
            getattr(module, test)()
            print("passed", name + "." + test)
            passed += 1
        except Exception as error:
            while micropython.heap_unlock() > 0:
                pass
            print("failed", name + "." + test)
            print_exception(error)
            failed += 1
    print(passed, "passed,", failed, "failed")


def print_exception(error):
    if hasattr(sys, "print_exception"):
        sys.print_exception(error)
        return
    import traceback

    traceback.print_exception(error, file=sys.stdout)


def vars_of(module):
    return [key for key in dir(module) if key.startswith("test_")]


if __name__ == "__main__":
    for folder in sys.argv[1].split(":"):
        sys.path.append(folder)
    run(sys.argv[2])
