from django.urls import path

from segments.views import detail, examples, history, listing, overlap, removal, rfm, rule, static, suggestions

app_name = "segments"
urlpatterns = [
    path("", listing.listing, name="list"),
    path("add/", listing.add, name="add"),
    path("search/", rule.search, name="search"),
    path("suggestions/", suggestions.suggest, name="suggestions"),
    path("new/", rule.new, name="new"),
    path("new/static/", static.new, name="new_static"),
    path("examples/", examples.listing, name="examples"),
    path("examples/<slug:example>/count/", examples.count, name="example_count"),
    path("rfm/", rfm.show, name="rfm"),
    path("overlap/", overlap.compare, name="overlap"),
    path("<int:segment_id>/", detail.detail, name="detail"),
    path("<int:segment_id>/size/", listing.size, name="size"),
    path("<int:segment_id>/channels/", detail.sizes, name="channels"),
    path("<int:segment_id>/state/", history.state, name="state"),
    path("<int:segment_id>/refresh/", history.refresh_now, name="refresh"),
    path("<int:segment_id>/history/", history.changes, name="history"),
    path("<int:segment_id>/edit/", rule.edit, name="edit"),
    path("<int:segment_id>/describe/", static.describe, name="describe"),
    path("<int:segment_id>/members/", static.members, name="members"),
    path("<int:segment_id>/members/remove/", static.remove, name="remove_members"),
    path("<int:segment_id>/edits/<int:edit_id>/undo/", static.undo, name="undo_edit"),
    path("<int:segment_id>/copy/", static.copy, name="copy"),
    path("<int:segment_id>/delete/", removal.delete, name="delete"),
    path("<int:segment_id>/restore/", removal.restore, name="restore"),
    path("of-field/<slug:key>/", listing.of_field, name="of_field"),
    path("of-contact/<int:contact_id>/", listing.of_contact, name="of_contact"),
]
