from django.urls import path

from tenants.views import access, audit, closing, members, settings, single_sign_on, workspace

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
    path("settings/single-sign-on/", single_sign_on.overview, name="single_sign_on"),
    path("settings/single-sign-on/save/", single_sign_on.save, name="save_single_sign_on"),
    path("settings/single-sign-on/off/", single_sign_on.turn_off, name="turn_off_single_sign_on"),
    path("settings/single-sign-on/required/", single_sign_on.require, name="require_single_sign_on"),
    path("settings/single-sign-on/domains/add/", single_sign_on.add_domain, name="add_sign_in_domain"),
    path("settings/single-sign-on/domains/remove/", single_sign_on.remove_domain, name="remove_sign_in_domain"),
    path("settings/preset/", settings.use_preset, name="use_preset"),
    path("settings/workspace/", closing.overview, name="workspace"),
    path("settings/workspace/rename/", closing.rename, name="rename"),
    path("settings/workspace/export/", closing.export, name="export"),
    path("settings/workspace/export/progress/", closing.export_progress, name="export_progress"),
    path("settings/workspace/export/<int:export_id>/file/", closing.export_file, name="export_file"),
    path("settings/workspace/close/", closing.close, name="close"),
    path("closed/", closing.closed, name="closed"),
    path("closed/reopen/", closing.reopen, name="reopen"),
    path("audit/", audit.listing, name="audit"),
    path("mail/", workspace.mail, name="mail"),
]
