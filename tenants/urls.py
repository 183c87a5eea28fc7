from django.urls import path

from tenants.views import access, audit, members, settings, workspace

app_name = "tenants"
urlpatterns = [
    path("", workspace.start, name="start"),
    path("members/", members.listing, name="members"),
    path("members/roles/", members.role_matrix, name="roles"),
    path("members/leave/", members.leave, name="leave"),
    path("members/<int:membership_id>/role/", members.set_role, name="set_role"),
    path("members/<int:membership_id>/remove/", members.remove, name="remove_member"),
    path("members/invite/", members.invite, name="invite"),
    path("members/invitations/<int:invitation_id>/again/", members.invite_again, name="invite_again"),
    path("members/invitations/<int:invitation_id>/withdraw/", members.withdraw, name="withdraw_invitation"),
    path("notices/", workspace.notices, name="notices"),
    path("notices/read/", workspace.read_notices, name="read_notices"),
    path("settings/", settings.rules, name="settings"),
    path("settings/save/", settings.save_rules, name="save_rules"),
    path("settings/access/", access.access, name="access"),
    path("settings/access/save/", access.save, name="save_access"),
    path("settings/preset/", settings.use_preset, name="use_preset"),
    path("audit/", audit.listing, name="audit"),
    path("mail/", workspace.mail, name="mail"),
]
