"""The evaluation room: how right the detector is, on recordings of people and on the gait model."""
