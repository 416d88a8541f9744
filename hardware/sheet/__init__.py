"""The sensor sheet: its outline in all sizes, where the sensors sit, and a template to cut it by."""
