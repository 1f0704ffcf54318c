"""Numbers of things, as people say them."""


def counted(count: int, one: str, several: str = "") -> str:
    """So many of what is called ``one``; of what is called ``several``, by default with an s, unless it is one.

    Example:
        >>> counted(1, "value"), counted(3, "value"), counted(2, "that is not", "that are not")
        ('1 value', '3 values', '2 that are not')
    """
    return f"{count} {one}" if count == 1 else f"{count} {several or one + 's'}"
