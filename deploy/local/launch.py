"""What a child does before it becomes its program: it ties its life to its parent's and, when told, stops being root.

Run as `python -I -S launch.py DEATH_SIGNAL PARENT_PID (same|nobody FOLDER...) -- PROGRAM ARGUMENT...`; only the
standard library is used, so that it costs a few milliseconds.

PostgreSQL refuses to run as root: then it runs as nobody, who owns its data but may not be able to enter the folders
above data and program (a checkout under a 0700 home). In that case nobody keeps the one capability of entering and
reading folders, and nothing else.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import sys
from pathlib import Path

PR_SET_PDEATHSIG = 1
PR_SET_SECUREBITS = 28
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
KEEP_CAPABILITIES_OVER_SETUID = 1 << 2  # SECBIT_NO_SETUID_FIXUP; access(2) honours capabilities with it too
CAPABILITY_VERSION_3 = 0x20080522
CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 1, 2
OTHERS_MAY_ENTER = 0o001


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Sets(ctypes.Structure):
    _fields_ = (("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32))


def main() -> None:
    """Replace this process by the program."""
    split = sys.argv.index("--")
    death_signal, parent, user, *folders = sys.argv[1:split]
    program = sys.argv[split + 1 :]
    if user == "nobody":
        become_nobody([Path(folder) for folder in folders])
    if sys.platform == "linux":
        # After the change of user, which would clear it.
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
        if os.getppid() != int(parent):
            sys.exit("the parent ended before its child began")
    os.execv(program[0], program)  # noqa: S606 - replaces this process; no shell is meant


def become_nobody(folders: list[Path]) -> None:
    """Drop root for good, able to reach `folders` all the same."""
    locked = [parent for folder in folders for parent in folder.parents if not parent.stat().st_mode & OTHERS_MAY_ENTER]
    libc = ctypes.CDLL(None, use_errno=True)
    if locked:
        must(libc.prctl(PR_SET_SECUREBITS, KEEP_CAPABILITIES_OVER_SETUID, 0, 0, 0), locked[0])
    nobody = pwd.getpwnam("nobody")
    os.setgroups([])
    os.setgid(nobody.pw_gid)
    os.setuid(nobody.pw_uid)
    if locked:
        keep_only_reading_folders(libc, locked[0])


def keep_only_reading_folders(libc: ctypes.CDLL, locked: Path) -> None:
    """Give up every capability but CAP_DAC_READ_SEARCH (CAP_DAC_OVERRIDE where a container lacks it) and pass it on."""
    header, sets = _Header(CAPABILITY_VERSION_3, 0), (_Sets * 2)()
    must(libc.capget(ctypes.byref(header), ctypes.byref(sets)), locked)
    capability = CAP_DAC_READ_SEARCH if sets[0].permitted & 1 << CAP_DAC_READ_SEARCH else CAP_DAC_OVERRIDE
    only = 1 << capability
    kept = (_Sets * 2)(_Sets(only, only, only), _Sets(0, 0, 0))
    must(libc.capset(ctypes.byref(header), ctypes.byref(kept)), locked)
    must(libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0), locked)


def must(result: int, locked: Path) -> None:
    """End with one clear line when the system refused."""
    if result != 0:
        sys.exit(
            f"root cannot run PostgreSQL, and the user nobody may not enter {locked}: "
            "run as another user, or let others enter that folder (chmod o+x), or set DATABASE_URL"
        )


if __name__ == "__main__":
    main()
