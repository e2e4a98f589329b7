"""Everything that touches a video file."""
