"""Shapes of the places where videos are shown elsewhere."""
