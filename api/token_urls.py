"""Addresses of the pages about tokens, below /w/<slug>/settings/api/."""

from django.urls import path

from api.views import tokens

app_name = "api_tokens"
urlpatterns = [
    path("", tokens.listing, name="list"),
    path("new/", tokens.new, name="new"),
    path("<int:token_id>/rotate/", tokens.rotate, name="rotate"),
    path("<int:token_id>/revoke/", tokens.revoke, name="revoke"),
]
