"""One module per format of recordings that others, or this project, have made."""
