"""What surrounds every page of a workspace: the middleware, navigation, and addresses that do not need a request.

Answers of views are core.http; the pages themselves are in the views of each app.
"""
