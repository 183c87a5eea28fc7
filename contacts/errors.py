"""What contacts answer when something cannot be done."""


class NotAllowed(Exception):
    """The act makes no sense for the contact as it is now. The argument is a sentence for the person."""
