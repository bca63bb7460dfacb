"""What is said of a log that cannot be evaluated; nothing heavy is imported for it."""


class LogError(ValueError):
    """A file, or what is asked of it, cannot be evaluated; the message says what, where and what to do next."""
