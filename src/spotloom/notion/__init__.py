"""The Notion room: its API, what our properties are called there, and who owns each of them."""
