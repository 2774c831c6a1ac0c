"""What can go wrong in words a user can act on; the command line prints these without a traceback."""


class AvbenchError(Exception):
    """Base of every error that is the user's to mend. `exit_code` is the process's exit status."""

    exit_code = 2


class UsageError(AvbenchError):
    """The call, a config or an input file is wrong; said before any work starts (exit 2)."""


class IncompleteError(AvbenchError):
    """Work ran but the result is incomplete: too many failures, or nothing could be scored (exit 3)."""

    exit_code = 3


class MediaError(AvbenchError):
    """A media file cannot be read or exceeds a cap. `kind` is a short stable word such as `empty` or `invalid`."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(f"{kind}: {message}")
        self.kind = kind


class NotApplicable(Exception):
    """Raised by a metric or backbone: the metric does not apply to this clip (no speech asked, no audio stream)."""


class Unscored(Exception):
    """Raised by a metric or backbone: the metric applies but no number can be given (no face, missing weights)."""
