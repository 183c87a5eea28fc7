"""Any address that takes people who come and go as signed JSON."""
