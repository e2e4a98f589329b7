"""The JSON that the API and its clients exchange: every request and every answer, once."""
