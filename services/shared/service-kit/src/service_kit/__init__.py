"""What every process of the job queue needs; no business words."""

VERSION = "0.1.0"
"""Of everything here: each package takes it from this line."""
