"""The version of this package, on the lowest floor so that every stage can write it down."""

__version__ = "0.1.0"
