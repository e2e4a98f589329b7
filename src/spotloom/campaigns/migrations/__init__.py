"""The history of the tables, run by the program itself at its start."""
