"""Words of a workspace: its fields, options, values, events and segments; and that what is understood can be compiled."""

from django.http import QueryDict
from django.utils import timezone
from django.utils.http import urlencode
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contacts.models import Attribute, Contact
from segments.models import Segment
from segments.rules import compiler, rule_form, rule_text, sentence, tree, vocabulary
from segments.rules.tree import ActivityCondition, FieldCondition, Group, InSegment, PropertyFilter
from tenants.models import Tenant
from tests.segments.rules.test_rule_form import fields
from tests.segments.rules.test_sentence import CASES, WORDS
from tracking.models import Event


def make(tenant: Tenant) -> None:
    Attribute.objects.create(key="plan", label="Plan", type="choice", options={"g": "Gold", "f": "Free"})
    Attribute.objects.create(key="shoe_size", label="Shoe size", type="integer")
    for city, gender in (("Rīga", "F"), ("Rīga", "M"), ("Oslo", "F")):
        contact = Contact.objects.create(origin="manual", attributes={"city": city, "gender": gender})
    Segment.objects.create(name="Newsletter")
    Event.objects.create(
        tenant_id=tenant.pk, at=timezone.now(), kind="track", name="Signed up", contact_id=contact.pk, properties={}
    )


def test_words_of_a_workspace(inside: Tenant) -> None:
    make(inside)
    known = vocabulary.of_workspace(compiler.context())
    segment = Segment.objects.get(name="Newsletter")

    def said(text: str) -> tuple[object, ...]:
        found = sentence.read(text, known)
        assert found.missed == (), text
        assert found.rule is not None
        return found.rule.parts

    assert said("women from Riga") == (FieldCondition("gender", "is", ("F",)), FieldCondition("city", "is", ("Rīga",)))
    assert said("with a gold plan") == (FieldCondition("plan", "is", ("g",)),)
    assert said("shoe size over 42") == (FieldCondition("shoe_size", "more", ("42",)),)
    assert said("Latvia") == (FieldCondition("country", "is", ("LV",)),)
    assert said("speaking Latvian") == (FieldCondition("language", "is", ("lv",)),)
    assert said("unsubscribed") == (FieldCondition("email_status", "is", ("unsubscribed",)),)
    assert said("signed up, not in Newsletter") == (
        ActivityCondition("track", "at_least", "1", name="Signed up"), InSegment(segment.pk, "not_in"),
    )  # fmt: skip
    assert said("bought boots") == (
        ActivityCondition("order", "at_least", "1", where=(PropertyFilter("items", "contains", "boots"),)),
    )
    found = sentence.read("people from Bergen", known)
    assert found.rule is None  # no contact is from there
    assert found.missed == ((12, 18),)


def test_the_segment_that_is_edited_is_no_word_of_its_own_rule(inside: Tenant) -> None:
    make(inside)
    known = vocabulary.of_workspace(compiler.context(inside=Segment.objects.get(name="Newsletter").pk))
    assert sentence.read("in segment Newsletter", known).rule is None


def test_whatever_is_understood_compiles_and_fits_the_form(inside: Tenant) -> None:
    make(inside)
    known, scope = vocabulary.of_workspace(compiler.context()), compiler.context()
    mine = [" ".join(phrase) for phrase in known.phrases if phrase]
    words = st.sampled_from(WORDS) | st.sampled_from(mine)

    @settings(max_examples=150, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(words, max_size=15).map(" ".join) | st.sampled_from([text for text, _parts, _missed in CASES]))
    def check(text: str) -> None:
        rule = sentence.read(text, known).rule
        if rule is None:
            return
        list(Contact.objects.filter(compiler.compile_rule(rule, scope))[:1])
        assert rule_text.phrases(rule)
        assert tree.loads(tree.dumps(rule)) == rule
        form = rule_form.validate(
            rule_form.read(QueryDict(urlencode(fields(rule_form.of_rule(rule)), doseq=True))), scope
        )
        assert [line.error for line in form.lines] == [""] * len(form.lines), text
        assert form.rule == rule

    check()


def test_a_rule_without_a_sentence_is_none(inside: Tenant) -> None:
    known = vocabulary.of_workspace(compiler.context())
    assert sentence.read("", known).rule is None
    assert isinstance(sentence.read("ordered", known).rule, Group)
