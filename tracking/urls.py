from django.urls import path

from tracking.views import email_webhooks, sites, source_names, visitors

app_name = "tracking"
urlpatterns = [
    path("sites/", sites.sites, name="sites"),
    path("sites/add/", sites.add_site, name="add_site"),
    path("sites/claimed/", sites.count_claimed, name="count_claimed"),
    path("sites/quarantine/<int:item_id>/release/", sites.release, name="release"),
    path("sites/<int:site_id>/", sites.site, name="site"),
    path("sites/<int:site_id>/settings/", sites.settings_of, name="site_settings"),
    path("sites/<int:site_id>/mail/", sites.mail_developer, name="mail_developer"),
    path("sites/<int:site_id>/secret/", sites.renew_secret, name="renew_secret"),
    path("sites/<int:site_id>/secret/remove/", sites.remove_secret, name="remove_secret"),
    path("sites/<int:site_id>/seen/", sites.seen, name="seen"),
    path("settings/providers/", email_webhooks.hooks, name="hooks"),
    path("settings/providers/add/", email_webhooks.add_hook, name="add_hook"),
    path("settings/providers/soft/", email_webhooks.set_soft_bounces, name="set_soft_bounces"),
    path("settings/providers/<int:hook_id>/remove/", email_webhooks.remove_hook, name="remove_hook"),
    path("settings/sources/", source_names.sources, name="sources"),
    path("settings/sources/add/", source_names.add, name="add_source"),
    path("settings/sources/<int:name_id>/", source_names.edit, name="edit_source"),
    path("settings/sources/<int:name_id>/rename/", source_names.rename, name="rename_source"),
    path("settings/sources/<int:name_id>/archive/", source_names.archive, {"away": True}, name="archive_source"),
    path("settings/sources/<int:name_id>/restore/", source_names.archive, {"away": False}, name="restore_source"),
    path("visitors/", visitors.visitors, name="visitors"),
    path("visitors/<int:visitor_id>/", visitors.visitor, name="visitor"),
    path("visitors/<int:visitor_id>/forget/", visitors.forget, name="forget_visitor"),
    path("visitors/of-contact/<int:contact_id>/", sites.of_contact, name="of_contact"),
    path("activity/of-contact/<int:contact_id>/panel/", sites.panel, name="activity_panel"),
    path("activity/of-contact/<int:contact_id>/", sites.activity, name="activity"),
]
