"""What is special about an address of one's own."""

from destinations.kinds import Kind, Limits

KIND = Kind(label="Webhook", limits=Limits(members=1_000), keys=frozenset({"contact"}), advertises=False)
