"""Pages of a workspace, below /w/<slug>/. Each app has its own; the middleware has checked who may open them."""

from django.urls import include, path

urlpatterns = [
    path("", include("insights.urls")),
    path("help/", include("cdp.guides.urls")),
    path("imports/", include("imports.urls")),
    path("contacts/", include("contacts.urls")),
    path("", include("audiences.urls")),
    path("connectors/", include("connectors.urls")),
    path("webhooks/", include("api.webhooks.urls")),
    path("segments/", include("segments.urls")),
    path("segments/", include("imports.segment_urls")),
    path("settings/api/", include("api.token_urls")),
    path("", include("sources.urls")),
    path("", include("destinations.urls")),
    path("operations/", include("insights.operations.urls")),
    path("", include("tracking.urls")),
    path("", include("tenants.urls")),
]
handler404 = "core.http.not_found"
handler500 = "cdp.views.failure"
