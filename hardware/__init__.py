"""What an insole is made of: simulated, computed and drawn by programs; run as modules from the checkout."""
