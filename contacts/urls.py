from django.urls import path

from contacts.views import acting, duplicates, listing, profile

app_name = "contacts"
urlpatterns = [
    path("", listing.listing, name="list"),
    path("duplicates/", duplicates.listing, {"kind": "email"}, name="duplicates"),
    path("duplicates/phone/", duplicates.listing, {"kind": "phone"}, name="duplicates_phone"),
    path("<int:contact_id>/", profile.profile, name="profile"),
    path("<int:contact_id>/act/<slug:name>/", acting.act, name="act"),
    path("<int:contact_id>/delete/", acting.delete, name="delete"),
    path("<int:contact_id>/restore/", acting.restore, name="restore"),
    path("undo/<int:entry_id>/", acting.undo, name="undo"),
]
