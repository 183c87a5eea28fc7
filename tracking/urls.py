from django.urls import path

from tracking import views

app_name = "tracking"
urlpatterns = [
    path("sites/", views.sites, name="sites"),
    path("sites/add/", views.add_site, name="add_site"),
    path("sites/<int:site_id>/", views.site, name="site"),
    path("sites/<int:site_id>/seen/", views.seen, name="seen"),
    path("resolved/", views.resolved, name="resolved"),
    path("visitors/of-contact/<int:contact_id>/", views.of_contact, name="of_contact"),
    path("activity/of-contact/<int:contact_id>/", views.activity, name="activity"),
]
