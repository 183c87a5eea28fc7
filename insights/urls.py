from django.urls import URLPattern, path

from insights.dashboards import views

app_name = "insights"


def _pages() -> list[URLPattern]:
    """Each page of a dashboard with its parts and tables."""
    routes = []
    for name, (_label, parts, _by_site) in views.PAGES.items():
        at = "dashboard/" if name == "audience" else f"dashboard/{name}/"
        routes.append(path(at, views.page, {"name": name}, name=name))
        for part in parts:
            asked = {"name": name, "key": part.key}
            routes.append(path(f"dashboard/{name}/{part.key}/", views.part, asked, name=f"{name}_{part.key}"))
            routes += [
                path(
                    f"dashboard/{name}/{key}.csv", views.table_csv, {"name": name, "key": key}, name=f"{name}_{key}_csv"
                )
                for key in part.tables
            ]
    return routes


urlpatterns = [
    *_pages(),
    path("dashboard/live/", views.live, name="live"),
    path("dashboard/guide/", views.hide_guide, name="guide"),
]
