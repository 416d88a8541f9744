# Frozen as text, compiled at each start: building it then needs no mpy-cross.
freeze_as_str("frozen")
