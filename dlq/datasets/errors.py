"""What goes wrong with data: every one is a ValueError that says what was found, what was expected and what to do."""


class DataError(ValueError):
    """Images, factors or sizes are not what a dataset can be made of."""


class MissingFile(DataError):
    """There is no file at the given path."""


class WrongFile(DataError):
    """A file is there, and it is not the dataset that was asked for."""


class DownloadError(DataError):
    """A file could not be downloaded, or may not be; what to do by hand is in the message."""
