"""Pages of the guides, below help/."""

from django.urls import path

from cdp.guides import views

app_name = "guides"
urlpatterns = [
    path("", views.listing, name="list"),
    path("<slug:guide>/", views.detail, name="detail"),
]
