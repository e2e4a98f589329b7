"""The door of every route: who asks, what they wrote, how we answer, and how that is described."""
