"""What every app uses and none owns: HTTP answers, parsing of request values, formatting, charts, exact JSON numbers.

Nothing here knows a tenant, a contact or a table. What an app above needs alone lives in that app.
"""
