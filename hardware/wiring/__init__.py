"""The wiring of the kit on a breadboard: what is plugged where, from the firmware's pins, and its picture."""
