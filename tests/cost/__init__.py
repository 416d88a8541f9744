"""What a sample costs the insole, in counted instructions: on the emulated machine, and the same kernel in C."""
