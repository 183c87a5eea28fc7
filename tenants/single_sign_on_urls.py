"""Single sign-on, below /login/company/: to the provider of a workspace and back."""

from django.urls import path

from tenants.views import company

urlpatterns = [
    path("", company.find, name="company_sign_in"),
    path("link/", company.link, name="company_link"),
    path("<int:number>/back/", company.back, name="company_back"),
    path("<slug:slug>/", company.needed, name="company_needed"),
    path("<slug:slug>/test/", company.test, name="company_test"),
]
