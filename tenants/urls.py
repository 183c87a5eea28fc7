from django.urls import path

from tenants.views import workspace

app_name = "tenants"
urlpatterns = [
    path("", workspace.start, name="start"),
    path("members/", workspace.members, name="members"),
    path("members/invite/", workspace.invite, name="invite"),
    path("members/<int:membership_id>/role/", workspace.set_role, name="set_role"),
    path("notices/", workspace.notices, name="notices"),
    path("notices/read/", workspace.read_notices, name="read_notices"),
    path("mail/", workspace.mail, name="mail"),
]
