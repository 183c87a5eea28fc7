"""What is special about Google Ads."""

from destinations.kinds import Kind, Limits

SCOPE = "https://www.googleapis.com/auth/datamanager"
KIND = Kind(
    label="Google Ads",
    limits=Limits(members=10_000, minute=300, day=100_000),
    keys=frozenset({"email", "phone", "address"}),
    advertises=True,
    confirms=True,
    unsure="Tried against a server of our own that speaks the documented protocol, never against a real account.",
)
