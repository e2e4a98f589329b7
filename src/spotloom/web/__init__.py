"""Everything that knows HTTP: for now the door for providers' webhooks, and a health page."""
