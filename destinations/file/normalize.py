"""What a file says of a person: everything as it is stored, in columns of the names of Person."""

from destinations.normal_forms import Identifier, Person


def identifiers(person: Person) -> list[Identifier]:
    """All that is known, the ID of the contact first."""
    known = zip(Person._fields[1:], person[1:], strict=True)
    own = str(person.contact_id)
    return [
        Identifier("contact", own, own, own),
        *(Identifier(kind, str(value), str(value), str(value)) for kind, value in known if value),
    ]
