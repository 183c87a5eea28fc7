from django.urls import path

from contacts.views import acting, bulk, duplicates, listing, merging, probable, profile

app_name = "contacts"
_BULK = ("delete", "restore", "unsubscribe", "duplicates")
urlpatterns = [
    path("", listing.listing, name="list"),
    path("duplicates/", duplicates.listing, {"kind": "email"}, name="duplicates"),
    path("duplicates/phone/", duplicates.listing, {"kind": "phone"}, name="duplicates_phone"),
    path("duplicates/probable/", probable.listing, name="probable"),
    path("duplicates/probable/search/", probable.search, name="probable_search"),
    path("duplicates/probable/<int:group_id>/decide/", probable.decide, name="probable_decide"),
    path("duplicates/merged/", duplicates.merged, name="merged"),
    *(path(f"bulk/{kind}/", bulk.prepare, {"kind": kind}, name=f"bulk_{kind}") for kind in _BULK),
    path("bulk/export/", bulk.export, name="export"),
    path("actions/", bulk.actions, name="bulk_actions"),
    path("actions/<int:action_id>/", bulk.action, name="bulk_action"),
    path("actions/<int:action_id>/undo/", bulk.undo, name="bulk_undo"),
    path("actions/<int:action_id>/cancel/", bulk.cancel, name="bulk_cancel"),
    path("actions/<int:action_id>/file/", bulk.download, name="bulk_file"),
    path("merge/", merging.merge, name="merge"),
    path("merges/<int:merge_id>/undo/", merging.unmerge, name="unmerge"),
    path("<int:contact_id>/", profile.profile, name="profile"),
    path("<int:contact_id>/act/<slug:name>/", acting.act, name="act"),
    path("<int:contact_id>/delete/", acting.delete, name="delete"),
    path("<int:contact_id>/restore/", acting.restore, name="restore"),
    path("undo/<int:entry_id>/", acting.undo, name="undo"),
]
