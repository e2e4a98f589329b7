"""What tells the world outside of our state; nothing here delays or fails a video."""
