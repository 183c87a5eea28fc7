"""What is special about a file."""

from destinations.kinds import Kind, Limits

KIND = Kind(
    label="CSV file", limits=Limits(members=0), keys=frozenset({"contact"}), advertises=False, replaces=True,
    unsure="Tried against servers of our own that speak S3 and SFTP.",
)  # fmt: skip
