from django.urls import path

from contacts.views import listing, profile

app_name = "contacts"
urlpatterns = [
    path("", listing.listing, name="list"),
    path("<int:contact_id>/", profile.profile, name="profile"),
]
