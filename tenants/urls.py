from django.urls import path

from tenants.views import audit, settings, workspace

app_name = "tenants"
urlpatterns = [
    path("", workspace.start, name="start"),
    path("members/", workspace.members, name="members"),
    path("members/invite/", workspace.invite, name="invite"),
    path("members/<int:membership_id>/role/", workspace.set_role, name="set_role"),
    path("notices/", workspace.notices, name="notices"),
    path("notices/read/", workspace.read_notices, name="read_notices"),
    path("settings/", settings.rules, name="settings"),
    path("settings/save/", settings.save_rules, name="save_rules"),
    path("settings/preset/", settings.use_preset, name="use_preset"),
    path("audit/", audit.listing, name="audit"),
    path("mail/", workspace.mail, name="mail"),
]
