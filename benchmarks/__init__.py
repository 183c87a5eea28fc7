"""Our own roads beside a bare COPY and beside what others do, in one run on one machine: `make bench`."""
