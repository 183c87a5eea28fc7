"""Dashboards: what the workspace has reached, on three pages. Figures come from tallies, so that no page counts events."""
