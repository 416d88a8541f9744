"""Sessions and recordings: what was walked, kept as files, and read back."""
