from django.urls import path

from insights.operations.views import acts

app_name = "operations"
# What is done with an import of a workspace; the page itself is outside of them (insights.operations.platform_urls).
urlpatterns = [
    path("<int:import_id>/retry/", acts.retry, name="retry"),
    path("<int:import_id>/move-to-front/", acts.move_to_front, name="move_to_front"),
]
