"""What is well and what is not, on this computer and on the insoles: small checks that give plain findings."""
