"""How the platform is: what runs, who does it, what is wrong and what to do. Pages, health, metrics, incidents."""
