"""`tests/` mirrors the tree: a module has a test file of its name in the same room, or stands here with where it is tested.

An entry that ends in a slash holds for all modules of a room that have no test of their name and no entry of their own.
"""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
APPS = ("core", "cdp", "tenants", "contacts", "tracking", "segments", "imports", "sources", "api")
# Nothing to test: routes, registrations, one line a task, declarations that the tests of what they declare for need.
PLAIN = {"__init__.py", "urls.py", "apps.py", "tasks.py", "models.py", "errors.py", "settings.py"}
ELSEWHERE = {
    "api/": "tests/api/test_middleware.py",
    "api/routes/": "tests/api/routes/test_imports.py",
    "imports/results/review_report.py": "tests/api/routes/test_imports.py",
    "api/views/": "tests/api/test_middleware.py",
    "core/": "tests/core/test_ui.py",
    "core/body_limit.py": "tests/cdp/test_front.py",
    "core/broker.py": "tests/cdp/stack/test_stack.py",
    "core/long_poll.py": "tests/cdp/test_front.py",
    "core/problem_json.py": "tests/cdp/test_front.py",
    "core/http.py": "tests/tenants/web/test_hostile_requests.py",
    "core/places.py": "tests/imports/wizard/test_drafts.py",
    "core/request_checks.py": "tests/tenants/web/test_hostile_requests.py",
    "core/templatetags/": "tests/core/test_ui.py",
    "cdp/asgi.py": "tests/cdp/test_front.py",
    "cdp/celery.py": "tests/faults/test_faults.py",
    "cdp/gateway.py": "tests/cdp/test_front.py",
    "cdp/styleguide.py": "tests/core/test_ui.py",
    "cdp/views.py": "tests/cdp/stack/test_stack.py",
    "cdp/workspace_urls.py": "tests/cdp/test_routes.py",
    "cdp/wsgi.py": "tests/tracking/pixel/test_collector.py",
    "cdp/demo/": "tests/cdp/demo/test_workspace.py",
    "cdp/management/commands/schema.py": "tests/docs/test_schema.py",
    "cdp/management/commands/seed_demo.py": "tests/cdp/demo/test_workspace.py",
    "cdp/management/commands/up.py": "tests/cdp/stack/test_stack.py",
    "cdp/stack/environment.py": "tests/cdp/stack/test_start_faults.py",
    "cdp/stack/supervisor.py": "tests/cdp/stack/test_stack.py",
    "tenants/import_rules.py": "tests/tenants/test_settings.py",
    "tenants/isolation/": "tests/tenants/isolation/test_isolation.py",
    "tenants/management/commands/create_workspace.py": "tests/tenants/management/test_create_workspace.py",
    "tenants/members/forms.py": "tests/tenants/members/test_memberships.py",
    "tenants/outbox.py": "tests/tenants/members/test_mails.py",
    "tenants/roles.py": "tests/tenants/isolation/test_isolation.py",
    "tenants/setting_changes.py": "tests/segments/test_all_writers.py",
    "tenants/templatetags/ui_urls.py": "tests/core/test_ui.py",
    "tenants/views/audit.py": "tests/tenants/test_audit.py",
    "tenants/views/entry.py": "tests/tenants/members/test_invitations.py",
    "tenants/views/members.py": "tests/tenants/members/test_memberships.py",
    "tenants/views/settings.py": "tests/tenants/test_settings.py",
    "tenants/views/workspace.py": "tests/tenants/members/test_mails.py",
    "tenants/web/": "tests/tenants/isolation/test_isolation.py",
    "tenants/web/middleware.py": "tests/tenants/web/test_middleware_failures.py",
    "tenants/workspaces.py": "tests/tenants/isolation/test_isolation.py",
    "imports/views/segment_upload.py": "tests/imports/test_segment_upload.py",
    "imports/segment_urls.py": "tests/imports/test_segment_upload.py",
    "imports/segment_usage.py": "tests/segments/views/test_removal.py",
    "segments/channels.py": "tests/segments/views/test_listing.py",
    "segments/copies.py": "tests/segments/views/test_static.py",
    "segments/segment_form.py": "tests/segments/views/test_static.py",
    "segments/growth.py": "tests/segments/views/test_listing.py",
    "segments/member_list.py": "tests/segments/views/test_listing.py",
    "segments/removal.py": "tests/segments/views/test_removal.py",
    "segments/segment_list.py": "tests/segments/views/test_listing.py",
    "segments/usage.py": "tests/segments/views/test_removal.py",
    "segments/views/examples.py": "tests/segments/test_examples.py",
    "segments/views/rfm.py": "tests/segments/test_rfm.py",
    "segments/views/overlap.py": "tests/segments/test_overlap.py",
    "segments/views/detail.py": "tests/segments/views/test_listing.py",
    "sources/segment_usage.py": "tests/segments/views/test_removal.py",
    "sources/ambiguities/closing.py": "tests/sources/ambiguities/test_sweep.py",
    "sources/ambiguities/counts.py": "tests/sources/views/test_ambiguities.py",
    "sources/ambiguities/decisions.py": "tests/sources/views/test_ambiguities.py",
    "sources/ambiguities/evidence.py": "tests/sources/views/test_ambiguities.py",
    "sources/views/identity.py": "tests/sources/test_identity.py",
    "core/swimlanes.py": "tests/sources/views/test_ambiguities.py",
    "segments/rules/sentence_periods.py": "tests/segments/rules/test_sentence.py",
    "segments/rules/sentence_words.py": "tests/segments/rules/test_sentence.py",
    "segments/rules/id_query.py": "tests/segments/rules/test_activity_conditions.py",
    "imports/results/value_changes.py": "tests/imports/results/test_rule_list.py",
    "contacts/change_log.py": "tests/contacts/listing/test_contact_list.py",
    "contacts/privacy/retention.py": "tests/contacts/bulk/test_actions.py",
    "contacts/leased_job.py": "tests/contacts/linkage/test_linkage.py",
    "contacts/statements.py": "tests/contacts/identity/test_resolver.py",
    "contacts/value_state.py": "tests/contacts/duplicates/test_merge.py",
    "contacts/bulk/": "tests/contacts/bulk/test_actions.py",
    "contacts/consent/": "tests/contacts/privacy/test_erasure.py",
    "contacts/duplicates/survivorship.py": "tests/contacts/duplicates/test_merge.py",
    "contacts/fields/change_type.py": "tests/contacts/fields/test_custom_fields.py",
    "contacts/identity/": "tests/contacts/identity/test_resolver.py",
    "contacts/identity/revert.py": "tests/imports/pipeline/test_undo.py",
    "contacts/linkage/": "tests/contacts/linkage/test_linkage.py",
    "contacts/listing/rule_filter.py": "tests/contacts/listing/test_contact_list.py",
    "contacts/listing/status_filters.py": "tests/contacts/listing/test_contact_list.py",
    "contacts/privacy/": "tests/contacts/privacy/test_erasure.py",
    "contacts/profile/form.py": "tests/contacts/profile/test_edit.py",
    "contacts/profile/quick_actions.py": "tests/contacts/listing/test_contact_list.py",
    "contacts/profile/timeline.py": "tests/tracking/test_timeline.py",
    "contacts/profile/undo.py": "tests/contacts/listing/test_contact_list.py",
    "contacts/subscriptions/categories.py": "tests/contacts/subscriptions/test_signup.py",
    "contacts/values/channel_status.py": "tests/imports/pipeline/test_consent.py",
    "contacts/values/columns.py": "tests/contacts/identity/test_resolver.py",
    "contacts/values/dates.py": "tests/imports/mapping/test_value_formats.py",
    "contacts/values/formula_guard.py": "tests/imports/cleaning/test_row_cleaner.py",
    "contacts/values/parsers.py": "tests/contacts/values/test_types.py",
    "contacts/values/phones.py": "tests/contacts/values/test_identifiers.py",
    "contacts/views/": "tests/contacts/views/test_pages.py",
    "contacts/views/blacklist.py": "tests/contacts/consent/test_blacklist.py",
    "contacts/views/bulk.py": "tests/contacts/bulk/test_actions.py",
    "contacts/views/duplicates.py": "tests/contacts/duplicates/test_exact.py",
    "contacts/views/fields.py": "tests/contacts/fields/test_custom_fields.py",
    "contacts/views/linkage.py": "tests/contacts/linkage/test_linkage.py",
    "contacts/views/listing.py": "tests/contacts/listing/test_contact_list.py",
    "contacts/views/merge.py": "tests/contacts/duplicates/test_merge.py",
    "contacts/views/platform_blacklist.py": "tests/contacts/consent/test_platform_blacklist.py",
    "contacts/views/quick_actions.py": "tests/contacts/listing/test_contact_list.py",
    "contacts/views/signup.py": "tests/contacts/subscriptions/test_signup.py",
    "tracking/contact_data.py": "tests/contacts/privacy/test_erasure.py",
    "tracking/quarantine.py": "tests/tracking/pixel/test_claims.py",
    "tracking/queries.py": "tests/tracking/pixel/test_inbox_consumer.py",
    "tracking/source_names.py": "tests/tracking/test_imported_events.py",
    "tracking/email/rating.py": "tests/tracking/email/test_webhooks.py",
    "tracking/management/commands/drain_inbox.py": "tests/faults/test_faults.py",
    "tracking/pixel/inbox.py": "tests/tracking/pixel/test_inbox_consumer.py",
    "tracking/pixel/rate_limits.py": "tests/tracking/pixel/test_claims.py",
    "tracking/pixel/sites.py": "tests/tracking/pixel/test_collector.py",
    "tracking/views/email_webhooks.py": "tests/tracking/email/test_webhooks.py",
    "tracking/views/source_names.py": "tests/tracking/test_imported_events.py",
    "segments/bulk_add.py": "tests/contacts/bulk/test_actions.py",
    "segments/contact_data.py": "tests/contacts/privacy/test_erasure.py",
    "segments/dynamic.py": "tests/segments/rules/test_rule_form.py",
    "segments/list_filter.py": "tests/segments/rules/test_rule_form.py",
    "segments/membership.py": "tests/segments/rules/test_operators.py",
    "segments/rules/": "tests/segments/rules/test_operators.py",
    "segments/views/": "tests/segments/rules/test_rule_form.py",
    "sources/membership.py": "tests/sources/views/test_listing.py",
    "sources/refresh.py": "tests/sources/test_match_report.py",
    "sources/source_form.py": "tests/sources/views/test_listing.py",
    "sources/source_list.py": "tests/sources/views/test_listing.py",
    "sources/views/import_report.py": "tests/sources/views/test_detail.py",
    "sources/usage.py": "tests/sources/views/test_detail.py",
    "imports/cleanup.py": "tests/imports/results/test_summary.py",
    "imports/contact_data.py": "tests/contacts/privacy/test_erasure.py",
    "imports/csv_output.py": "tests/imports/results/test_outcome_download.py",
    "imports/options.py": "tests/docs/test_docs.py",
    "imports/cleaning/json_items.py": "tests/imports/test_direct_upsert.py",
    "imports/cleaning/": "tests/imports/cleaning/test_row_cleaner.py",
    "imports/files/alphabets.py": "tests/imports/files/test_encoding_candidates.py",
    "imports/files/": "tests/imports/files/test_reader.py",
    "imports/management/commands/import_contacts.py": "tests/imports/pipeline/test_crm_export.py",
    "imports/management/commands/": "tests/imports/management/test_commands.py",
    "imports/mapping/header_synonyms.py": "tests/imports/mapping/test_guess.py",
    "imports/pipeline/": "tests/imports/pipeline/test_transitions.py",
    "imports/pipeline/roster.py": "tests/imports/pipeline/test_undo.py",
    "imports/pipeline/units.py": "tests/imports/pipeline/test_ends_early.py",
    "imports/problems/texts.py": "tests/imports/problems/test_catalogue.py",
    "imports/results/": "tests/imports/results/test_corrections.py",
    "imports/results/progress.py": "tests/imports/wizard/test_drafts.py",
    "imports/results/provenance.py": "tests/contacts/duplicates/test_merge.py",
    "imports/results/suggestions.py": "tests/imports/results/test_correction_queries.py",
    "imports/results/timeline.py": "tests/tracking/test_timeline.py",
    "imports/views/": "tests/imports/views/test_permissions.py",
    "imports/views/corrections.py": "tests/imports/results/test_corrections.py",
    "imports/views/downloads.py": "tests/imports/results/test_outcome_download.py",
    "imports/views/draft.py": "tests/imports/wizard/test_drafts.py",
    "imports/views/listing.py": "tests/imports/results/test_import_list.py",
    "imports/views/mapping.py": "tests/imports/mapping/test_guess.py",
    "imports/views/reference.py": "tests/imports/mapping/test_column_reference.py",
    "imports/views/saved.py": "tests/imports/wizard/test_saved_mappings.py",
    "imports/views/upload.py": "tests/imports/wizard/test_upload.py",
    "imports/wizard/column_choices.py": "tests/imports/mapping/test_value_formats.py",
    "imports/wizard/": "tests/imports/wizard/test_drafts.py",
    "imports/results/outcome.py": "tests/imports/pipeline/test_crm_export.py",
    "imports/workbooks/": "tests/imports/workbooks/test_convert.py",
}
MODULES = sorted(
    path.relative_to(ROOT).as_posix()
    for app in APPS
    for path in (ROOT / app).rglob("*.py")
    if path.name not in PLAIN and not {"migrations", "models"} & set(path.parts)
)


def own_test(module: str) -> Path:
    """Where the test of a module's own name would be."""
    path = Path(module)
    return ROOT / "tests" / path.parent / f"test_{path.name}"


@pytest.mark.parametrize("module", MODULES)
def test_a_module_has_its_test_or_says_where_it_is_tested(module: str) -> None:
    room = f"{Path(module).parent.as_posix()}/"
    said = ELSEWHERE.get(module) or ELSEWHERE.get(room)
    assert own_test(module).exists() or said, f"{module}: a test {own_test(module).relative_to(ROOT)}, or a line here"


@pytest.mark.parametrize(("what", "where"), ELSEWHERE.items())
def test_what_is_said_here_is_true(what: str, where: str) -> None:
    assert (ROOT / what).exists(), f"{what} is not there"
    assert (ROOT / where).exists(), f"{where} is not there"
    assert what.endswith("/") or not own_test(what).exists(), f"{what} has a test of its name"
