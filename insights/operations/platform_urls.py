"""Pages and checks outside of workspaces."""

from django.urls import path

from insights.operations.views import checks, page

urlpatterns = [
    path("operations/", page.operations, name="operations"),
    path("operations/live/", page.live, name="operations_live"),
    path("operations/imports.csv", page.download, name="operations_csv"),
    path("operations/incidents/", page.incident_list, name="operations_incidents"),
    path("health/live", checks.live, name="health_live"),
    path("health/ready", checks.ready, name="health_ready"),
    path("health/deep", checks.deep, name="health_deep"),
    path("metrics", checks.metrics, name="metrics"),
]
