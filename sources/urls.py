from django.urls import path

<<<<<<< HEAD
from sources.views import ambiguities

app_name = "sources"
# Included at the root of a workspace: sources are below sources/, and what is not resolved yet below resolved/.
urlpatterns = [
    path("resolved/to-decide/", ambiguities.listing, name="ambiguities"),
    path("resolved/left/", ambiguities.listing, {"view": "left"}, name="ambiguities_left"),
    path("resolved/decided/", ambiguities.listing, {"view": "decided"}, name="ambiguities_decided"),
    path("resolved/to-decide/<int:ambiguity_id>/decide/", ambiguities.decide, name="decide_ambiguity"),
    path("resolved/to-decide/<int:ambiguity_id>/undo/", ambiguities.undo, name="undo_ambiguity"),
=======
from sources.views import detail, listing

app_name = "sources"
urlpatterns = [
    path("", listing.listing, name="list"),
    path("live/", listing.live, name="list_live"),
    path("new/", listing.new, name="new"),
    path("removed/", detail.removed, name="removed"),
    path("<int:source_id>/", detail.detail, name="detail"),
    path("<int:source_id>/live/", detail.live, name="live"),
    path("<int:source_id>/upload/", listing.upload, name="upload"),
    path("<int:source_id>/people/", detail.people, name="people"),
    path("<int:source_id>/<slug:show>.csv", detail.download, name="download"),
    path("<int:source_id>/edit/", detail.edit, name="edit"),
    path("<int:source_id>/refresh/", detail.start_refresh, name="refresh"),
    path("<int:source_id>/remove/", detail.remove, name="remove"),
    path("<int:source_id>/restore/", detail.restore, name="restore"),
    path("of-import/<int:import_id>/", detail.of_import, name="of_import"),
    path("from-import/<int:import_id>/", detail.from_import, name="from_import"),
>>>>>>> d4c41fd (Collect, match and score the contacts of sources)
]
