"""Who may be written to: blacklists, suppression of erased people, and the status that belongs to an address.

The statuses themselves and words for them are contacts.values.channel_status.
"""
