"""QEVD on disk: workouts, segments, spans, short clips, plain folders of videos; reading and writing."""
