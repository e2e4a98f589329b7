"""Where videos are shown elsewhere: the place, the pace, what is to be told, and how it stands."""
