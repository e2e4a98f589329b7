"""What we know: tables, writes, reads, the ledger."""
