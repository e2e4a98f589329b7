"""Lets `python -m spotloom` be the command."""

from spotloom.cli import main

if __name__ == "__main__":
    main()
