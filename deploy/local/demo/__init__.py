"""A working day of the platform, driven through REST, and whether everything came out as it must."""

from local.demo.run import run

__all__ = ["run"]
