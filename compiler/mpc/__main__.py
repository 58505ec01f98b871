"""`mpc`, also as `python -m mpc`: gives Ctrl-C a meaning before all else is imported."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType


def main() -> None:
    """Run the command line and end the process."""
    # An exception while the command line is imported would come out as a traceback, and there is nothing yet
    # that would have to be put away. What a command imports, it imports where exceptions are reported.
    # Who started this process may have said that it is not to be stopped.
    may_stop = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if may_stop:
        signal.signal(signal.SIGINT, _leave)
    from .cli import main as run

    # From here on Ctrl-C is an exception, which the command line reports. Where Python has nobody to raise it
    # to, as in a callback from C, it would be printed and forgotten.
    sys.unraisablehook = _leave_if_stopped
    if may_stop:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    run()


def _leave(number: int, frame: FrameType | None) -> None:
    os.write(2, b"stopped\n")
    os._exit(130)


def _leave_if_stopped(unraisable: sys.UnraisableHookArgs) -> None:
    if issubclass(unraisable.exc_type, KeyboardInterrupt):
        _leave(signal.SIGINT, None)
    sys.__unraisablehook__(unraisable)


if __name__ == "__main__":
    main()
