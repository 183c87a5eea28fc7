from django.urls import path

from audiences.views import builder, detail, listing, removal

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
]
