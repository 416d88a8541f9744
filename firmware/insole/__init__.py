# Retrosole's firmware. Core (imports core only): ring frame fixed pressure channels zone gait wire hot hot_plain.
# Shell (touches hardware): app board sampler link commands status cue faults memory.
VERSION = (0, 1, 0)
