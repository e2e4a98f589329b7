"""Adapters to paid video APIs, behind one port."""
