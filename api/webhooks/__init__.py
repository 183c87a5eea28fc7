"""What happens in a workspace, told to other systems by HTTP: subscriptions, what they are told, and how it gets there.

Nothing here is called by what writes contacts. Webhooks read the logs that those writers keep anyway (contacts.change_feed,
segments.history, imports) up to the watermark, note what is to be sent, and send it.
"""
