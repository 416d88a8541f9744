"""What the commands do that is not a matter of one room."""
