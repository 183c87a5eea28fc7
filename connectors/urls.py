from django.urls import path

from connectors.views import connector, fetching, listing

app_name = "connectors"
urlpatterns = [
    path("", listing.listing, name="list"),
    path("new/", listing.new, name="new"),
    path("new/fetch/", fetching.new, name="new_fetch"),
    path("<int:connector_id>/fetch/edit/", fetching.edit, name="edit_fetch"),
    path("<int:connector_id>/forget-key/", fetching.forget_key, name="forget_key"),
    path("<int:connector_id>/", connector.detail, name="detail"),
    path("<int:connector_id>/live/", connector.live, name="live"),
    path("<int:connector_id>/edit/", connector.edit, name="edit"),
    path("<int:connector_id>/look/", connector.look, name="look"),
    path("<int:connector_id>/renew/", connector.renew, name="renew"),
    path("<int:connector_id>/disable/", connector.disable, name="disable"),
    path("<int:connector_id>/enable/", connector.enable, name="enable"),
    path("<int:connector_id>/delete/", connector.delete, name="delete"),
    path("<int:connector_id>/files/<int:file_id>/force/", connector.force, name="force"),
]
