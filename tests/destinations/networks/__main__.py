"""`python -m tests.destinations.networks meta`: a stand-in network as a program of its own; prints its address, and what it
was told when its input has a line."""

import json
import sys

from tests.destinations.networks.google import Google
from tests.destinations.networks.meta import Meta
from tests.destinations.networks.server import Network, serving

NETWORKS: dict[str, type[Network]] = {"meta": Meta, "google": Google}


def main(kind: str) -> None:
    with serving(NETWORKS[kind]()) as network:
        print(network.url, flush=True)
        for _line in sys.stdin:
            told = {name: len(people) for name, people in network.lists.items()}
            print(json.dumps({"requests": network.requests, "people": network.people, "lists": told}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
