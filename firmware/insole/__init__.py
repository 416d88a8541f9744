# Retrosole's firmware. Core (imports core only): ring frame fixed pressure wire, the detector
# sense tune zone channels stance verdict gait, and the kernels hot hot_plain sense_plain tune_plain.
# Shell (touches hardware): app board sampler link commands status cue faults memory.
VERSION = (0, 1, 0)
