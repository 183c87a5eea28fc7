from django.urls import path

from destinations.views import connections, detail, edit, listing

app_name = "destinations"
# Included at the root of a workspace: data syncs are below syncs/, what they send to below destinations/.
urlpatterns = [
    path("syncs/", listing.listing, name="list"),
    path("syncs/live/", listing.live, name="list_live"),
    path("syncs/new/", edit.new, name="new"),
    path("syncs/<int:sync_id>/", detail.detail, name="sync"),
    path("syncs/<int:sync_id>/live/", detail.live, name="live"),
    path("syncs/<int:sync_id>/review/", detail.review_of, name="review"),
    path("syncs/<int:sync_id>/review/csv/", detail.samples_csv, name="samples_csv"),
    path("syncs/<int:sync_id>/runs/<int:run_id>/", detail.run_detail, name="run_detail"),
    path("syncs/<int:sync_id>/edit/", edit.edit, name="edit"),
    path("syncs/<int:sync_id>/start/", edit.act, {"verb": "start"}, name="start"),
    path("syncs/<int:sync_id>/run/", edit.act, {"verb": "run_now"}, name="run"),
    path("syncs/<int:sync_id>/dry-run/", edit.act, {"verb": "dry_run"}, name="dry_run"),
    path("syncs/<int:sync_id>/full-resync/", edit.act, {"verb": "full_resync"}, name="full_resync"),
    path("syncs/<int:sync_id>/disable/", edit.act, {"verb": "disable"}, name="disable"),
    path("syncs/<int:sync_id>/enable/", edit.act, {"verb": "enable"}, name="enable"),
    path("syncs/<int:sync_id>/repair/", edit.act, {"verb": "repair"}, name="repair"),
    path("syncs/<int:sync_id>/delete/", edit.delete, name="delete"),
    path("destinations/", connections.listing, name="destinations"),
    path("destinations/new/", connections.kinds_of, name="connect"),
    path("destinations/new/<slug:kind>/", connections.connect, name="connect_kind"),
    path("destinations/<int:destination_id>/", connections.detail, name="destination"),
    path("destinations/<int:destination_id>/reconnect/", connections.reconnect, name="reconnect"),
    path("destinations/<int:destination_id>/disconnect/", connections.disconnect, name="disconnect"),
    path("destinations/<int:destination_id>/remove/", connections.remove, name="remove"),
]
