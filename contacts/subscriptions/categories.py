"""What people can subscribe to. Contacts keep the names, so that files and exports can name them."""

from django.utils import timezone

from contacts.models import Category
from tenants import audit


class BadCategory(ValueError):
    """The argument is a sentence for the person."""


def add(name: str, about: str, *, user_id: int) -> Category:
    """A new category, or one that was put away, back again. Raises BadCategory."""
    name = " ".join(name.split())
    if not name or len(name) > 80 or "|" in name:
        raise BadCategory("Enter a category name of up to 80 characters, without |.")
    known = Category.objects.select_for_update().filter(name=name).first()
    if known is not None and known.archived_at is None:
        raise BadCategory(f"The category “{name}” already exists. Choose another name.")
    made: Category = known or Category(name=name)
    made.about, made.archived_at = about.strip()[:200], None
    made.save()
    audit.record("category.added", user_id=user_id, target=f"category {name}")
    return made


def archive(category_id: int, *, user_id: int) -> Category:
    """Nobody can subscribe any more; who has subscribed keeps it. Raises Category.DoesNotExist."""
    row: Category = Category.objects.select_for_update().get(pk=category_id)
    row.archived_at = timezone.now()
    row.save(update_fields=["archived_at"])
    audit.record("category.archived", user_id=user_id, target=f"category {row.name}")
    return row
