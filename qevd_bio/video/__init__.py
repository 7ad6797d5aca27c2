"""Videos: decoding with true times, rotation, sampling."""
