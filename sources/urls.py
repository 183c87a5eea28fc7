from django.urls import path

from sources.views import ambiguities

app_name = "sources"
# Included at the root of a workspace: sources are below sources/, and what is not resolved yet below resolved/.
urlpatterns = [
    path("resolved/to-decide/", ambiguities.listing, name="ambiguities"),
    path("resolved/left/", ambiguities.listing, {"view": "left"}, name="ambiguities_left"),
    path("resolved/decided/", ambiguities.listing, {"view": "decided"}, name="ambiguities_decided"),
    path("resolved/to-decide/<int:ambiguity_id>/decide/", ambiguities.decide, name="decide_ambiguity"),
    path("resolved/to-decide/<int:ambiguity_id>/undo/", ambiguities.undo, name="undo_ambiguity"),
]
