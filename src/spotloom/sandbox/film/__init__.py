"""How an animatic is drawn: colour, type, pens, scenes, layout, sound and the finished file."""
