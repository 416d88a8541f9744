"""Run the command line with `python -m retrosole`."""

from retrosole.cli import main

if __name__ == "__main__":
    main()
