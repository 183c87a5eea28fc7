"""Pages of the guides, below help/."""

from django.urls import path

from cdp.guides import views

app_name = "guides"
urlpatterns = [
    path("", views.listing, name="list"),
    path("<slug:name>/", views.detail, name="detail"),
]
