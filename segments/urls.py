from django.urls import path

from segments.views import listing, rule, suggestions

app_name = "segments"
urlpatterns = [
    path("", listing.listing, name="list"),
    path("add/", listing.add, name="add"),
    path("search/", rule.search, name="search"),
    path("suggestions/", suggestions.suggest, name="suggestions"),
    path("new/", rule.new, name="new"),
    path("<int:segment_id>/", listing.detail, name="detail"),
    path("<int:segment_id>/size/", listing.size, name="size"),
    path("<int:segment_id>/edit/", rule.edit, name="edit"),
    path("of-field/<slug:key>/", listing.of_field, name="of_field"),
    path("of-contact/<int:contact_id>/", listing.of_contact, name="of_contact"),
]
