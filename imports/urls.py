from django.urls import path

from imports.views import downloads, listing, mapping, mend, origins, reference, run, saved, upload

app_name = "imports"
urlpatterns = [
    path("", listing.listing, name="list"),
    path("list.csv", listing.download, name="list_csv"),
    path("live/", listing.live, name="list_live"),
    path("new/", upload.new, name="new"),
    path("upload/", upload.upload, name="upload"),
    path("columns/", reference.columns, name="columns"),
    path("template.csv", reference.template, name="template"),
    path("saved/", saved.listing, name="saved"),
    path("saved/<int:saved_id>/rename/", saved.rename, name="rename_saved"),
    path("saved/<int:saved_id>/delete/", saved.delete, name="delete_saved"),
    path("<int:import_id>/save-mapping/", saved.save, name="save_mapping"),
    path("<int:import_id>/use-saved/<int:saved_id>/", saved.use, name="use_saved"),
    path("<int:import_id>/", run.detail, name="detail"),
    path("<int:import_id>/live/", run.live, name="live"),
    path("<int:import_id>/read-again/", mapping.read_again, name="read_again"),
    path("<int:import_id>/sheet/", mapping.take_sheet, name="take_sheet"),
    path("<int:import_id>/describe/", run.describe, name="describe"),
    path("<int:import_id>/preview/", mapping.preview, name="preview"),
    path("<int:import_id>/start/", mapping.start, name="start"),
    path("<int:import_id>/confirm/", run.confirm, name="confirm"),
    path("<int:import_id>/cancel/ask/", run.ask_cancel, name="ask_cancel"),
    path("<int:import_id>/cancel/", run.cancel, name="cancel"),
    path("<int:import_id>/undo/ask/", run.ask_turn, {"turning": "undo"}, name="ask_undo"),
    path("<int:import_id>/undo/", run.turn, {"turning": "undo"}, name="undo"),
    path("<int:import_id>/redo/ask/", run.ask_turn, {"turning": "redo"}, name="ask_redo"),
    path("<int:import_id>/redo/", run.turn, {"turning": "redo"}, name="redo"),
    path("<int:import_id>/rows/<int:line>/", mend.mend, name="mend"),
    path("<int:import_id>/retry/", mend.retry, name="retry"),
    path("<int:import_id>/errors.csv", run.errors, name="errors"),
    path("<int:import_id>/rows/<str:outcome>.csv", downloads.rows, name="rows_as_csv"),
    path("<int:import_id>/original/", downloads.original, name="original"),
    path("origins/<int:contact_id>/", origins.of_contact, name="origins"),
]
