"""What is special about Meta."""

from destinations.kinds import Kind, Limits

KIND = Kind(
    label="Meta",
    limits=Limits(members=10_000),
    keys=frozenset({"email", "phone"}),
    advertises=True,
    unsure="Tried against a server of our own that speaks the documented protocol, never against a real account.",
)
