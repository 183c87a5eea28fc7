from django.urls import path

from tracking import mail_views, source_views, views

app_name = "tracking"
urlpatterns = [
    path("sites/", views.sites, name="sites"),
    path("sites/add/", views.add_site, name="add_site"),
    path("sites/claimed/", views.count_claimed, name="count_claimed"),
    path("sites/quarantine/<int:item_id>/release/", views.release, name="release"),
    path("sites/<int:site_id>/", views.site, name="site"),
    path("sites/<int:site_id>/settings/", views.settings_of, name="site_settings"),
    path("sites/<int:site_id>/seen/", views.seen, name="seen"),
    path("resolved/", views.resolved, name="resolved"),
    path("settings/providers/", mail_views.hooks, name="hooks"),
    path("settings/providers/add/", mail_views.add_hook, name="add_hook"),
    path("settings/providers/soft/", mail_views.set_soft_bounces, name="set_soft_bounces"),
    path("settings/providers/<int:hook_id>/remove/", mail_views.remove_hook, name="remove_hook"),
    path("settings/sources/", source_views.sources, name="sources"),
    path("settings/sources/add/", source_views.add, name="add_source"),
    path("settings/sources/<int:source_id>/", source_views.edit, name="edit_source"),
    path("settings/sources/<int:source_id>/rename/", source_views.rename, name="rename_source"),
    path("settings/sources/<int:source_id>/archive/", source_views.put_away, {"away": True}, name="archive_source"),
    path("settings/sources/<int:source_id>/restore/", source_views.put_away, {"away": False}, name="restore_source"),
    path("visitors/of-contact/<int:contact_id>/", views.of_contact, name="of_contact"),
    path("activity/of-contact/<int:contact_id>/panel/", views.panel, name="activity_panel"),
    path("activity/of-contact/<int:contact_id>/", views.activity, name="activity"),
]
