"""The one exception that the command line shows as a sentence instead of a traceback."""


class OmniNegClipError(Exception):
    """A problem that the user can mend; its message names what is wrong and what would be right."""
