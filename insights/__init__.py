"""Dashboards, and what operations look at: states and figures over all the apps below."""
