from django.urls import path

from sources.views import ambiguities, detail, identity, import_report, listing, resolved

app_name = "sources"
# Included at the root of a workspace: sources are below sources/, and what is not resolved yet below resolved/.
urlpatterns = [
    path("sources/", listing.listing, name="list"),
    path("sources/live/", listing.live, name="list_live"),
    path("sources/new/", listing.new, name="new"),
    path("sources/removed/", detail.removed, name="removed"),
    path("sources/<int:source_id>/", detail.detail, name="detail"),
    path("sources/<int:source_id>/live/", detail.live, name="live"),
    path("sources/<int:source_id>/upload/", listing.upload, name="upload"),
    path("sources/<int:source_id>/people/", detail.people, name="people"),
    path("sources/<int:source_id>/all.csv", detail.download, {"show": "all"}, name="download"),
    path("sources/<int:source_id>/matched.csv", detail.download, {"show": "matched"}, name="download_matched"),
    path("sources/<int:source_id>/unmatched.csv", detail.download, {"show": "unmatched"}, name="download_unmatched"),
    path("sources/<int:source_id>/edit/", detail.edit, name="edit"),
    path("sources/<int:source_id>/refresh/", detail.start_refresh, name="refresh"),
    path("sources/<int:source_id>/remove/", detail.remove, name="remove"),
    path("sources/<int:source_id>/restore/", detail.restore, name="restore"),
    path("sources/of-import/<int:import_id>/", import_report.of_import, name="of_import"),
    path("sources/from-import/<int:import_id>/", import_report.from_import, name="from_import"),
    path("resolved/", resolved.resolved, name="resolved"),
    path("resolved/csv/", resolved.resolved_csv, name="resolved_csv"),
    path("resolved/identity/<int:contact_id>/", identity.identity, name="identity"),
    path("resolved/identity/<int:contact_id>/link/", identity.link, name="contact_link"),
    path("resolved/identity/<int:contact_id>/<int:visitor_id>/release/", identity.release, name="release_visitor"),
    path("resolved/identity/<int:contact_id>/<int:visitor_id>/undo/", identity.undo_release, name="undo_release"),
    path("resolved/to-decide/", ambiguities.listing, name="ambiguities"),
    path("resolved/left/", ambiguities.listing, {"view": "left"}, name="ambiguities_left"),
    path("resolved/decided/", ambiguities.listing, {"view": "decided"}, name="ambiguities_decided"),
    path("resolved/to-decide/<int:ambiguity_id>/decide/", ambiguities.decide, name="decide_ambiguity"),
    path("resolved/to-decide/<int:ambiguity_id>/undo/", ambiguities.undo, name="undo_ambiguity"),
]
