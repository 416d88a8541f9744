"""The front ends in ngspice: `python -m hardware.simulation` writes results.json, the plots and the tables."""
