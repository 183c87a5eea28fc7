"""The pixel's road: collector, hits, inbox and its consumer, sites and their limits.

Whom a hit belongs to is tracking.pixel.visitor_resolution.
"""
