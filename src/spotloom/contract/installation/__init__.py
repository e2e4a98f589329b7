"""What this installation is: its providers, its ways in, and where it keeps things."""
