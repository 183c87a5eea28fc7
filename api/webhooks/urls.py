from django.urls import path

from api.views import webhooks

app_name = "webhooks"
urlpatterns = [
    path("", webhooks.listing, name="list"),
    path("new/", webhooks.new, name="new"),
    path("<int:webhook_id>/", webhooks.detail, name="detail"),
    path("<int:webhook_id>/live/", webhooks.live, name="live"),
    path("<int:webhook_id>/edit/", webhooks.edit, name="edit"),
    path("<int:webhook_id>/secret/", webhooks.rotate, name="rotate"),
    path("<int:webhook_id>/ping/", webhooks.ping, name="ping"),
    path("<int:webhook_id>/disable/", webhooks.disable, name="disable"),
    path("<int:webhook_id>/enable/", webhooks.enable, name="enable"),
    path("<int:webhook_id>/delete/", webhooks.delete, name="delete"),
    path("<int:webhook_id>/deliveries/<int:delivery_id>/", webhooks.delivery, name="delivery"),
    path("<int:webhook_id>/deliveries/<int:delivery_id>/replay/", webhooks.replay, name="replay"),
]
