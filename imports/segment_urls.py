"""Addresses of files that change the members of a segment, below segments/."""

from django.urls import path

from imports.views import segment_upload

app_name = "segment_uploads"
urlpatterns = [
    path("<int:segment_id>/upload/", segment_upload.new, name="new"),
    path("<int:segment_id>/upload/<int:upload_id>/", segment_upload.detail, name="detail"),
    path("<int:segment_id>/upload/<int:upload_id>/live/", segment_upload.live, name="live"),
    path("<int:segment_id>/upload/<int:upload_id>/read/", segment_upload.read_again, name="read_again"),
    path("<int:segment_id>/upload/<int:upload_id>/check/", segment_upload.check, name="check"),
    path("<int:segment_id>/upload/<int:upload_id>/confirm/", segment_upload.confirm, name="confirm"),
    path("<int:segment_id>/upload/<int:upload_id>/cancel/", segment_upload.cancel, name="cancel"),
    path("<int:segment_id>/upload/<int:upload_id>/import/", segment_upload.import_file, name="import"),
]
