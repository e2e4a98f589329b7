"""Notion on the web's side: the settings page's questions, and Notion's webhooks."""
