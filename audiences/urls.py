from django.urls import path

from audiences.views import builder, detail, listing, lookalike_acts, lookalike_history, lookalikes, removal

app_name = "audiences"
urlpatterns = [
    path("audiences/", listing.listing, name="list"),
    path("audiences/new/", builder.new, name="new"),
    path("audiences/<int:audience_id>/", detail.detail, name="detail"),
    path("audiences/<int:audience_id>/edit/", builder.edit, name="edit"),
    path("audiences/<int:audience_id>/state/", detail.state, name="state"),
    path("audiences/<int:audience_id>/remain/", detail.remain, name="remain"),
    path("audiences/<int:audience_id>/shared/", detail.shared, name="shared"),
    path("audiences/<int:audience_id>/reach/", detail.reach, name="reach"),
    path("audiences/<int:audience_id>/history/", detail.changes, name="history"),
    path("audiences/<int:audience_id>/refresh/", detail.refresh_now, name="refresh"),
    path("audiences/<int:audience_id>/members.csv", detail.download, name="download"),
    path("audiences/<int:audience_id>/delete/", removal.delete, name="delete"),
    path("audiences/<int:audience_id>/restore/", removal.restore, name="restore"),
    path("lookalikes/", lookalikes.listing, name="lookalikes"),
    path("lookalikes/live/", lookalikes.list_live, name="lookalikes_live"),
    path("lookalikes/new/", lookalikes.new, name="new_lookalike"),
    path("lookalikes/deleted/", lookalike_acts.deleted, name="deleted_lookalikes"),
    path("lookalikes/fields/", lookalike_acts.choose_fields, name="lookalike_fields"),
    path("lookalikes/<int:lookalike_id>/", lookalikes.detail, name="lookalike"),
    path("lookalikes/<int:lookalike_id>/live/", lookalikes.live, name="lookalike_live"),
    path("lookalikes/<int:lookalike_id>/refresh/", lookalike_acts.start_refresh, name="refresh_lookalike"),
    path("lookalikes/<int:lookalike_id>/size/", lookalike_acts.resize, name="resize_lookalike"),
    path("lookalikes/<int:lookalike_id>/rename/", lookalike_acts.rename, name="rename_lookalike"),
    path("lookalikes/<int:lookalike_id>/delete/", lookalike_acts.delete, name="delete_lookalike"),
    path("lookalikes/<int:lookalike_id>/restore/", lookalike_acts.restore, name="restore_lookalike"),
    path("lookalikes/<int:lookalike_id>/history/", lookalike_history.changes, name="lookalike_history"),
    path("lookalikes/<int:lookalike_id>/members/", lookalike_acts.members, name="lookalike_members"),
    path("lookalikes/<int:lookalike_id>/members.csv", lookalike_acts.download, name="download_lookalike"),
]
