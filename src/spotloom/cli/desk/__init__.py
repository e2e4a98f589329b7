"""Where commands are carried out: over this machine's database, or at a server."""
