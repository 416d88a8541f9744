# Of which source this was built: the first 8 bytes of its SHA-256. Written anew into each pack: loose files cannot say.
SOURCE = b"\xff" * 8
