"""The exceptions that the command line shows as a sentence instead of a traceback."""


class OmniNegClipError(Exception):
    """A problem that the user can fix; its message names what is wrong and what would be right."""


class StoppedError(OmniNegClipError):
    """The user stopped a run; its progress is kept, and the message says how to continue."""


class DamagedError(OmniNegClipError):
    """A file of our own is not what was written; what can be computed again is."""
