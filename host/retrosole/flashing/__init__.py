"""What puts the firmware onto a board, and a new version in the place of the old one."""
