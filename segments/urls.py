from django.urls import path

from segments import views

app_name = "segments"
urlpatterns = [
    path("", views.listing, name="list"),
    path("add/", views.add, name="add"),
    path("<int:segment_id>/", views.detail, name="detail"),
    path("of-contact/<int:contact_id>/", views.of_contact, name="of_contact"),
]
